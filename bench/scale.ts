// Question: does a sealed statement cost more where a table and the tickets hold very many tenants? One table each, the same 10 million rows.
// Cost is the processor time of client and server together.
import pg from 'pg'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { migrate } from '../src/migrate/migrate.ts'
import { slotAt, TicketMaker, ticketHash } from '../src/seal/ticket.ts'
import type { Bench } from './harness/contract.ts'
import { cpuMicrosPerCall, postmasterOf } from './harness/cpu-time.ts'
import { judge, median } from './harness/ratio.ts'
import { rawSide, type Side, walledSide } from './statements/sides.ts'
import { wallSql } from './statements/walled-table.ts'

const ROWS = 10_000_000
const FEW = 10
const MANY = 100_000
const SECRET = 'a secret for measurements, of more than 32 characters'
const LIMIT = 1.2

const tenantId = (place: number) => `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`

async function fill(url: string, database: string, log: (line: string) => void): Promise<void> {
  await migrate({ databaseUrl: url, sealSecret: SECRET })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query("create role scale_app login noinherit password 'x'; grant tenant_user to scale_app")
  for (const [table, tenants] of [
    ['few', FEW],
    ['many', MANY],
  ] as const) {
    log(`${ROWS.toLocaleString('en')} rows of ${tenants.toLocaleString('en')} tenants`)
    await client.query(`
      create unlogged table ${table} (tenant_id uuid not null, id integer not null, title text not null);
      insert into ${table}
        select ('00000000-0000-4000-8000-' || lpad((r % ${tenants})::text, 12, '0'))::uuid, r / ${tenants}, 'title' from generate_series(0, ${ROWS - 1}) r;
      alter table ${table} add primary key (tenant_id, id);
      ${wallSql(table, true)}
      grant select on ${table} to tenant_user`)
  }
  log(`${MANY.toLocaleString('en')} tickets`)
  const maker = new TicketMaker(SECRET)
  const now = slotAt(Date.now())
  for (const slot of [now, now + 1]) {
    const hashes = Array.from({ length: MANY }, (_, place) =>
      ticketHash(maker.ticket({ database, tenantId: tenantId(place), readOnly: false }, slot)),
    )
    await client.query(
      `insert into partywall.tickets select decode(h, 'hex'), ('00000000-0000-4000-8000-' || lpad((n - 1)::text, 12, '0')), 'infinity'
         from unnest($1::text[]) with ordinality as u (h, n)`,
      [hashes],
    )
  }
  await client.query('vacuum analyze')
  await client.end()
}

/**
 * Reads one row of one tenant. The stride has no common factor with either number of tenants, so the tenants come in an order that caches
 * can't predict.
 */
function reader(table: string, tenants: number, side: Side): (round: number) => Promise<void> {
  const text = `select title from ${table} where tenant_id = $1 and id = $2`
  return async (round) => {
    const tenant = tenantId((round * 7_919) % tenants)
    const { rows } = await side.run(tenant, { name: table, text, values: [tenant, round % (ROWS / tenants)] })
    if (rows.length !== 1) throw new Error(`${table}: ${rows.length} rows in place of 1`)
  }
}

export const bench: Bench = {
  name: 'scale',
  question: `what does a sealed statement cost at ${MANY.toLocaleString('en')} tenants, relative to ${FEW}, with ${ROWS.toLocaleString('en')} rows?`,
  async run({ runs, log }) {
    const server = await startPostgres({
      settings: { shared_buffers: '2GB', maintenance_work_mem: '1GB', max_wal_size: '8GB', autovacuum: 'off' },
    })
    try {
      const database = await server.createDatabase()
      await fill(server.url(database), database, log)
      const url = server.urlAs('scale_app', 'x', database)
      // A superuser: no policy applies.
      const raw = rawSide(server.url(database), 10)
      const sealed = walledSide({ url, secret: SECRET }, 10, true)
      const sides = {
        raw: { few: reader('few', FEW, raw), many: reader('many', MANY, raw) },
        sealed: { few: reader('few', FEW, sealed), many: reader('many', MANY, sealed) },
      }
      const postmaster = await postmasterOf(url)
      const micros = (call: (round: number) => Promise<void>) =>
        cpuMicrosPerCall(call, { callers: 32, forMs: 2_000, postmaster })
      const before = process.memoryUsage().heapUsed
      // Each tenant sends one statement. Afterwards all caches for tenants are filled, and each ticket of the slot is registered.
      log(`${MANY.toLocaleString('en')} tenants once each`)
      let next = 0
      await Promise.all(
        Array.from({ length: 32 }, async () => {
          while (next < MANY) await sides.sealed.many(next++)
        }),
      )
      const ratios: number[] = []
      const costs = {
        rawFew: [] as number[],
        sealedFew: [] as number[],
        rawMany: [] as number[],
        sealedMany: [] as number[],
      }
      for (let run = -1; run < runs; run++) {
        log(run < 0 ? 'first run, not counted' : `run ${run + 1} of ${runs}`)
        const rawFew = await micros(sides.raw.few)
        const sealedFew = await micros(sides.sealed.few)
        const rawMany = await micros(sides.raw.many)
        const sealedMany = await micros(sides.sealed.many)
        if (run < 0) continue
        ratios.push(sealedMany / rawMany / (sealedFew / rawFew))
        costs.rawFew.push(rawFew)
        costs.sealedFew.push(sealedFew)
        costs.rawMany.push(rawMany)
        costs.sealedMany.push(sealedMany)
      }
      globalThis.gc?.()
      const heapMegabytes = Math.round((process.memoryUsage().heapUsed - before) / 1e6)
      await Promise.all([sealed.end(), raw.end()])
      const goal = `cost of a sealed select by key relative to raw pg, at ${MANY} tenants, x that at ${FEW}`
      return {
        goals: [judge(goal, ratios, LIMIT, 'at-most')],
        details: {
          heapMegabytes,
          medianMicroseconds: Object.fromEntries(
            Object.entries(costs).map(([side, values]) => [side, Math.round(median(values))]),
          ),
        },
        failures: [],
      }
    } finally {
      await server.stop()
    }
  },
}
