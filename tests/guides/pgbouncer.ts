import { createPartywall, type Partywall, type PartywallConfig } from 'partywall'

export interface PooledWall {
  /** The application's login, through PgBouncer. */
  readonly poolerUrl: string
  /** The same login, to PostgreSQL itself. */
  readonly directUrl: string
  readonly auth: PartywallConfig['auth']
  readonly secret: string
}

export function openWall({ poolerUrl, directUrl, auth, secret }: PooledWall): Partywall {
  return createPartywall({
    database: { url: poolerUrl, pooler: 'transaction' },
    tenants: { listenUrl: directUrl }, // LISTEN needs a session of its own
    auth,
    seal: { secret },
  })
}
