import { z } from 'zod'
import { rules } from './rules/list.ts'

export const verifyOptionsSchema = z.strictObject({
  databaseUrl: z.string().min(1),
  appRole: z.string().min(1).optional(),
  appUrl: z.string().min(1).optional(),
  schemas: z.array(z.string().min(1)).nonempty().optional(),
  tenantColumns: z.array(z.string().min(1)).nonempty().optional(),
  setting: z.string().min(1).optional(),
  sealSecret: z.string().min(1).optional(),
  contextSql: z.string().min(1).optional(),
  ownServer: z.boolean().default(false),
  mode: z.enum(['auto', 'static', 'attack']).default('auto'),
  rules: z.array(z.string().refine((id) => rules.some((rule) => rule.id === id), 'there is no such rule')).optional(),
  statementTimeoutMs: z.number().int().positive().default(10_000),
  lockTimeoutMs: z.number().int().positive().default(2_000),
  onProgress: z.custom<(step: string) => void>((value) => typeof value === 'function', 'a function').optional(),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'an AbortSignal').optional(),
})

/** How `verifyDatabase` is told what it can't, or should not, find out. */
export interface VerifyOptions {
  /** URL of the migration role; a superuser's shows everything. Nothing that it does is committed. */
  readonly databaseUrl: string
  /** The role that the application logs in as. Default: found by its grants. */
  readonly appRole?: string | undefined
  /** URL of the application's login; only its role is taken from it, and that it is the login which policies may ask for. */
  readonly appUrl?: string | undefined
  /** Default: all of the user's. */
  readonly schemas?: readonly string[] | undefined
  /** Default: found by names, foreign keys and policies. */
  readonly tenantColumns?: readonly string[] | undefined
  /** `app.tenant_id`, or `request.jwt.claims->tenant_id`. Default: what most policies read. */
  readonly setting?: string | undefined
  /** The root secret of the seal, for schemas that are sealed. */
  readonly sealSecret?: string | undefined
  /** SQL that opens a context in its own way; `$TENANT` stands for the quoted tenant id. Run after the setting was set. */
  readonly contextSql?: string | undefined
  /**
   * The server was started, or is thrown away, for this run: verify may copy the database there, and log in as the application
   * with a password of its own making. Default false.
   */
  readonly ownServer?: boolean | undefined
  /** `auto`: attack where all tenant tables are empty, else catalog and proof only. */
  readonly mode?: 'auto' | 'static' | 'attack' | undefined
  /** Only these rules; for tests and for one finding at a time. */
  readonly rules?: readonly string[] | undefined
  /** For each statement of an attack. Default 10 s. */
  readonly statementTimeoutMs?: number | undefined
  /** Default 2 s: verify waits for nobody and nobody waits long for verify. */
  readonly lockTimeoutMs?: number | undefined
  readonly onProgress?: ((step: string) => void) | undefined
  /** Ends the run and its connection; the server rolls back. */
  readonly signal?: AbortSignal | undefined
}
