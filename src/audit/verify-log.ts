import pg from 'pg'
import { type Damage, type DamageKind, DamageList } from './damage.ts'
import { READING } from './read-cursor.ts'
import type { PublishedAnchor } from './records.ts'
import { readAuditKey } from './signer.ts'
import { AnchorChain } from './verify-anchors.ts'
import { verifyEvents } from './verify-events.ts'

export interface VerifyAuditOptions {
  /** A login that is a member of `partywall_auditor`. */
  readonly databaseUrl: string
  /** Ed25519 public keys in PEM that the reader trusts. Later and earlier keys follow from signed changes of key. */
  readonly publicKeys: readonly string[]
  /** Only this tenant's log; `''` is the system stream. */
  readonly tenant?: string | undefined
  /** Anchors that were published outside the database. Without these anchors, a removal of the newest events is not noticed. */
  readonly anchors?: readonly PublishedAnchor[] | undefined
  /**
   * Maximum age, in seconds, of an unsealed event. An older unsealed event can't be distinguished from a forged event, so the verdict is
   * then `incomplete`. Default 60.
   */
  readonly lagSeconds?: number | undefined
}

export interface AuditVerdict {
  /** `whole`: no change was found. `tampered`: a change was found, see `damage`. `incomplete`: the log can't be judged, see `limits`. */
  readonly verdict: 'whole' | 'tampered' | 'incomplete'
  /** The damages in order of tenant and position, at most 1000. `damageCount` is the number of all damages. */
  readonly damage: readonly Damage[]
  readonly damageCount: number
  readonly events: number
  readonly tenants: number
  readonly checkpoints: number
  readonly anchors: number
  /** `pruned` events were dropped with their month, according to a signed record. `erased` events lost their personal values on request. */
  readonly pruned: number
  readonly erased: number
  readonly unsealed: number
  readonly oldestUnsealedSeconds: number
  /** Limits of this verdict, and the reason if it is incomplete. */
  readonly limits: readonly string[]
}

export type { Damage, DamageKind }

/**
 * Checks the log against its signatures, with read rights and public keys only.
 *
 * Finds and names any change to a sealed event, and any removal that is older than the last outside anchor.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a public key that can't be read
 */
export async function verifyAuditLog(options: VerifyAuditOptions): Promise<AuditVerdict> {
  const keys = options.publicKeys.map(readAuditKey)
  const client = new pg.Client({ connectionString: options.databaseUrl, application_name: 'partywall audit verify' })
  client.on('error', () => {}) // the running query reports the error
  await client.connect()
  try {
    // One snapshot, because a sealer may write at the same time.
    await client.query('begin isolation level repeatable read read only')
    await client.query(READING)
    const damage = new DamageList()
    const limits: string[] = []
    const chain = await AnchorChain.read(client, keys, damage)
    chain.compareWith(options.anchors, damage, options.tenant)
    const seen = await verifyEvents(client, chain, damage, options.tenant)
    const lag = options.lagSeconds ?? 60
    const undecided: string[] = []
    if (chain.size === 0) undecided.push('Nothing was sealed yet: there is no anchor.')
    if (chain.unknownKeys.size > 0) {
      undecided.push(
        `Records are signed by keys that are neither given nor confirmed by a given key: ${[...chain.unknownKeys].join(', ')}.`,
      )
    }
    if (seen.oldestUnsealedSeconds > lag) {
      undecided.push(
        `${seen.unsealed} events have waited up to ${Math.round(seen.oldestUnsealedSeconds)} s to be sealed. Check that a sealer runs, and that no open transaction delays it.`,
      )
    } else if (seen.unsealed > 0) {
      limits.push(`The newest ${seen.unsealed} events are not sealed yet. A change to them is not detected.`)
    }
    if (options.anchors === undefined) {
      limits.push(
        'No outside anchors were given: a removal of the newest checkpoints with their events is not detected.',
      )
    }
    if (options.tenant !== undefined) limits.push('Only one tenant was checked.')
    limits.push(
      'Somebody with both the database and the signing key can rewrite events that are newer than the last outside anchor.',
    )
    limits.push('The log shows what the application wrote. It cannot show whether an event is true.')
    const found = damage.count > 0
    return {
      verdict: found ? 'tampered' : undecided.length > 0 ? 'incomplete' : 'whole',
      damage: damage.sorted(),
      damageCount: damage.count,
      anchors: chain.size,
      ...seen,
      limits: [...undecided, ...limits],
    }
  } finally {
    await client.end()
  }
}
