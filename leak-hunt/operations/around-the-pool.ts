// Operations on the pool's surroundings: application code that a statement runs, libraries that collect statements, clients of
// libraries, and state that one user leaves on a session for the next.
import pg from 'pg'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { asAnotherRequest, codeOf, isLostConnection, type Operation, type Turn } from '../hunt.ts'

const COLUMNS = 'tenant_id, id, writer, n'
const UUID = 2950

function whoIsHere(): string {
  return tryGetCurrentTenant()?.tenantId ?? 'nobody'
}

function mustBe(turn: Turn, seen: unknown, what: string): void {
  if (seen === turn.tenantId) return
  turn.ledger.violate('wrong context in a callback', `${what} ran for ${String(seen)} in place of ${turn.tenantId}`)
}

export const aroundThePool: readonly Operation[] = [
  {
    name: 'values and parsers with code of their own',
    weight: 10,
    async run(turn) {
      const parsedFor = new Set<string>()
      const types = {
        getTypeParser: (oid: number, format?: 'text') => {
          if (oid !== UUID) return pg.types.getTypeParser(oid, format)
          return (text: string) => {
            parsedFor.add(whoIsHere())
            return text
          }
        },
      } as pg.CustomTypesConfig
      const { rows } = await turn.pool.query({
        text: `select $1::text as who, ${COLUMNS} from ledger limit 5`,
        values: [{ toPostgres: whoIsHere }],
        types,
      })
      turn.ledger.read(turn.tenantId, rows, 'values and parsers')
      for (const row of rows) mustBe(turn, row.who, 'toPostgres()')
      for (const seen of parsedFor) mustBe(turn, seen, 'a type parser')
    },
  },
  {
    name: 'two statements before connect() has settled',
    weight: 2,
    async run(turn) {
      const client = new turn.stage.strict.Client(turn.stage.url)
      client.on('error', () => {}) // faults occur on this client too
      const connected = client.connect()
      connected.catch(() => {}) // its statements report the error
      try {
        const answers = await Promise.all([
          client.query(`select ${COLUMNS} from ledger limit 5`),
          client.query("select current_setting('app.current_tenant_id', true) as who"),
        ])
        turn.ledger.read(turn.tenantId, answers[0].rows, 'before connect()')
        mustBe(turn, answers[1].rows[0]?.who, 'a statement before connect()')
      } finally {
        await client.end().catch(() => {})
      }
    },
  },
  {
    name: 'a Prisma batch of two tenants in one tick',
    weight: 5,
    settled: true,
    notPooled: true,
    run: (turn) => bothInOneTick(turn, prismaBatch),
  },
  {
    name: 'Prisma findUnique of two tenants in one tick',
    weight: 3,
    settled: true,
    notPooled: true,
    run: (turn) => bothInOneTick(turn, prismaFindUnique),
  },
  {
    name: 'numbers that nobody foretold',
    weight: 4,
    notPooled: true,
    async run({ pool, stage, ledger, tenantId }) {
      const { rows } = await pool.query('select random() as number')
      if (stage.fleet.attackers.includes(tenantId) || !stage.foretold.has(rows[0]?.number)) return
      ledger.violate('residue on a connection', 'random() follows the seed of another tenant')
    },
  },
  {
    name: 'no value of another’s sequence',
    weight: 3,
    notPooled: true,
    plannedCodes: ['55000'],
    async run({ pool, stage, ledger, tenantId }) {
      await pool.query('select lastval()')
      if (!stage.fleet.attackers.includes(tenantId))
        ledger.violate('residue on a connection', 'lastval() gives a number of another tenant')
    },
  },
]

/** Starts the same operation for two tenants in the same tick. */
async function bothInOneTick(turn: Turn, work: (turn: Turn) => Promise<void>): Promise<void> {
  const other: Turn = { ...turn, tenantId: turn.victimId, victimId: turn.tenantId }
  const own = work(turn)
  const others = asAnotherRequest(turn.stage, other.tenantId, () => work(other))
  for (const outcome of await Promise.allSettled([own, others])) {
    if (outcome.status === 'rejected' && !isPrismaLost(outcome.reason)) throw outcome.reason
  }
}

async function prismaBatch({ stage, ledger, tenantId, random }: Turn): Promise<void> {
  const { prisma } = stage
  if (prisma === undefined) return
  const id = random.uuid()
  ledger.wrote({ tenantId, id }, 'unknown')
  const [row, rows] = await prisma.$transaction([
    prisma.ledger.create({ data: { id, writer: tenantId } }),
    prisma.ledger.findMany({ take: 10 }),
  ])
  ledger.read(tenantId, [row, ...rows], 'a Prisma batch')
}

async function prismaFindUnique({ stage, ledger, tenantId, victimId, random }: Turn): Promise<void> {
  const { prisma } = stage
  if (prisma === undefined) return
  for (const owner of [tenantId, victimId]) {
    const mine = ledger.committedOf(owner)
    if (mine.length === 0) continue
    const where = { tenant_id_id: { tenant_id: owner, id: random.pick(mine) } }
    const row = await prisma.ledger.findUnique({ where })
    if (row !== null) ledger.read(tenantId, [row], 'Prisma findUnique')
  }
}

/** Accepts errors of the connection, which Prisma wraps. The ledger checks the rows in any case. */
function isPrismaLost(error: unknown): boolean {
  return (
    isLostConnection(error) ||
    (error instanceof Error && /^(?:Prisma|DriverAdapter)/.test(error.name)) ||
    codeOf(error).startsWith('P')
  )
}
