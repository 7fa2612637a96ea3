import type pg from 'pg'
import type { DamageList } from './damage.ts'
import { EVENT_AT } from './event-leaf.ts'
import type { AnchorChain } from './verify-anchors.ts'

interface Unlisted {
  readonly id: string
  readonly tenant: string
  readonly xid: bigint
  readonly at: string
}

/** Events that no checkpoint lists: the newest events, which are not sealed yet, or events that somebody inserted later. */
export class UnlistedEvents {
  readonly #events: Unlisted[] = []

  add(columns: readonly unknown[]): void {
    this.#events.push({
      id: String(columns[EVENT_AT.id]),
      tenant: String(columns[EVENT_AT.tenant]),
      xid: BigInt(String(columns[EVENT_AT.xid])),
      at: String(columns[EVENT_AT.occurredAt]),
    })
  }

  async judge(
    client: pg.ClientBase,
    chain: AnchorChain,
    damage: DamageList,
    missing: ReadonlyMap<string, { readonly tenant: string; readonly checkpoint: number; readonly position: number }>,
  ): Promise<{ readonly unsealed: number; readonly oldestSeconds: number; readonly moved: ReadonlySet<string> }> {
    const { rows } = await client.query(
      `select (select system_identifier from pg_control_system())::text as system, clock_timestamp() as now,
         pg_snapshot_xmax(pg_current_snapshot())::text as next`,
    )
    const { system, now, next } = rows[0]
    const { last } = chain
    // The log was restored into another cluster, where transaction numbers start again. Events that were not sealed yet when the dump was
    // made have numbers of the old cluster, so the numbers show nothing here.
    const restored = last !== undefined && last.system !== system
    const sealedTo = last === undefined || restored ? 0n : BigInt(last.to)
    const moved = new Set<string>()
    let unsealed = 0
    let oldest = Number.POSITIVE_INFINITY
    for (const event of this.#events) {
      const from = missing.get(event.id)
      if (from !== undefined) {
        moved.add(event.id)
        const detail = `it was sealed for tenant ${from.tenant || '(system)'}, checkpoint ${from.checkpoint}, and is now in another log`
        damage.add({ kind: 'event-moved', tenant: event.tenant, event: event.id, position: from.position, detail })
      } else if (event.xid < sealedTo) {
        const detail = 'it belongs to transactions that were sealed long ago, and no checkpoint lists it'
        damage.add({ kind: 'event-inserted', tenant: event.tenant, event: event.id, detail })
      } else if (!restored && event.xid >= BigInt(next)) {
        const detail = 'it names a transaction that does not exist yet'
        damage.add({ kind: 'event-inserted', tenant: event.tenant, event: event.id, detail })
      } else {
        unsealed++
        oldest = Math.min(oldest, Date.parse(event.at))
      }
    }
    const oldestSeconds = unsealed === 0 ? 0 : Math.max(0, (new Date(now).getTime() - oldest) / 1000)
    return { unsealed, oldestSeconds, moved }
  }
}
