import { runWithoutTenant } from '../../context/run-with-tenant.ts'
import { outsideOfTenants } from '../../context/store.ts'
import type { WalledPool } from './walled-pool.ts'

/**
 * Registers the tickets of a pool on a connection of its own, which is open only while there is something to register. So the
 * application's pool runs no statement that the application did not send, and a full pool delays no registration.
 */
export class TicketRegistrar {
  readonly #makePool: () => WalledPool
  #pool: WalledPool | undefined
  #ended = false

  /** @param makePool makes a pool of one connection */
  constructor(makePool: () => WalledPool) {
    this.#makePool = makePool
  }

  readonly register = async (batch: string, mac: string): Promise<void> => {
    if (this.#ended) return
    this.#pool ??= outsideOfTenants(this.#makePool)
    const pool = this.#pool
    await outsideOfTenants(() =>
      runWithoutTenant(() => pool.ask('select partywall.register_tickets($1, $2)', [batch, mac])),
    )
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#pool?.end()
  }
}
