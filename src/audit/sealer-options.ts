import { z } from 'zod'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { AnchorStore } from './anchor-file.ts'
import type { Signer } from './signer.ts'

export interface AuditSealerOptions {
  /** Connection string of a login that is a member of `partywall_sealer`, to the primary server. Never the application's login. */
  readonly databaseUrl: string
  readonly signer: Signer
  /** The old signer, for the first start with a new key. Both keys sign the change. */
  readonly previousSigner?: Signer | undefined
  /** The store for anchors. Default: one log line for each anchor. */
  readonly anchors?: AnchorStore | undefined
  /** Milliseconds between two ticks, which are the rounds of the sealer; default 1000. */
  readonly tickMs?: number | undefined
  /** If at least this many events are unsealed, a tick seals them without waiting for `maxDelayMs`; default 1000. */
  readonly batchSize?: number | undefined
  /** How long fewer than `batchSize` events may wait; default 10_000. */
  readonly maxDelayMs?: number | undefined
  /** AUDIT_LAGGING is emitted when the oldest unsealed event is at least this many seconds old; default 60. */
  readonly lagSeconds?: number | undefined
  readonly events?: SecurityEvents | undefined
  readonly logger?: Logger | undefined
}

export const sealerOptions = z.object({
  databaseUrl: z.string().min(1),
  signer: z.custom<Signer>((value) => typeof Reflect.get(Object(value), 'sign') === 'function', 'must be a Signer'),
  previousSigner: z
    .custom<Signer>((value) => typeof Reflect.get(Object(value), 'sign') === 'function', 'must be a Signer')
    .optional(),
  anchors: z
    .custom<AnchorStore>((value) => typeof Reflect.get(Object(value), 'publish') === 'function', 'must have publish()')
    .optional(),
  tickMs: z.int().min(10).default(1_000),
  batchSize: z.int().min(1).default(1_000),
  maxDelayMs: z.int().min(0).default(10_000),
  lagSeconds: z.number().min(0).default(60),
  events: z.custom<SecurityEvents>((value) => typeof Reflect.get(Object(value), 'emit') === 'function').optional(),
  logger: z.custom<Logger>((value) => value !== null && typeof value === 'object').optional(),
})

export type CheckedSealerOptions = z.infer<typeof sealerOptions>
