import { randomBytes } from 'node:crypto'
import type { Facts } from '../../tenancy/facts.ts'
import { type Arena, type AttackLedger, makeArena, type Pass } from './arena.ts'
import { type AttackContext, type ContextSealer, type Contexts, makeContexts } from './contexts.ts'
import { plant } from './plant.ts'
import type { Planting } from './planting.ts'
import type { AttackSession } from './session.ts'
import { sessionKeys } from './session-keys.ts'

export interface ArenaOptions {
  readonly facts: Facts
  readonly sealSecret: string | undefined
  readonly contextSql: string | undefined
}

/** Plants the rows that are not planted yet, and returns the arena for the attacks of one pass. */
export async function openArena(
  options: ArenaOptions,
  session: AttackSession,
  pass: Pass,
  ledger: AttackLedger,
  before: Planting | undefined,
): Promise<Arena> {
  const { facts, contextSql } = options
  const source = facts.tenancy.context
  const sealer = await sealerFor(options, session)
  const own = facts.acting[0]
  const nonce = before?.nonce ?? randomBytes(3).toString('hex')
  const planting = await plant({
    facts,
    session,
    nonce,
    keys: sessionKeys(facts, nonce),
    ...(before === undefined ? {} : { before }),
    // The never-set pass must not touch the setting. Tables that can't be planted without it are not attacked in that pass.
    contextSql:
      pass === 'never-set' || own === undefined
        ? undefined
        : (side, tenantId) =>
            plantingContext(
              makeContexts(
                source,
                { a: tenantId, b: tenantId, tenantA: tenantId, tenantB: tenantId, besideA: [], besideB: [] },
                sealer,
                contextSql,
              )[side],
              own,
            ),
  })
  const contexts = await contextsOf(options, session, planting)
  return makeArena({ facts, session, planting, pass, contexts, ledger, scripted: contextSql === undefined })
}

/**
 * The contexts of both planted tenants and of strangers. A seal names its backend process, so these contexts are valid on this connection
 * only.
 */
export async function contextsOf(options: ArenaOptions, session: AttackSession, planting: Planting): Promise<Contexts> {
  return plantedContexts(options.facts, planting, await sealerFor(options, session), options.contextSql)
}

/** The contexts of a planting, with the given sealer or without a seal. */
export function plantedContexts(
  facts: Facts,
  planting: Planting,
  sealer: ContextSealer | undefined,
  contextSql: string | undefined,
): Contexts {
  const source = facts.tenancy.context
  const keys = sessionKeys(facts, planting.nonce)
  const { a, b } = planting.tenants
  const keyOf = (side: 'a' | 'b') =>
    source.kind === 'tenant'
      ? planting.tenants[side].id
      : (planting.row(source.table, side)?.values[source.keyColumn.name] ?? planting.tenants[side].id)
  return makeContexts(
    source,
    {
      a: keyOf('a'),
      b: keyOf('b'),
      tenantA: a.id,
      tenantB: b.id,
      besideA: keys.beside(planting, 'a'),
      besideB: keys.beside(planting, 'b'),
    },
    sealer,
    contextSql,
  )
}

async function sealerFor({ sealSecret }: ArenaOptions, session: AttackSession) {
  return sealSecret === undefined ? undefined : sealerOf(session, sealSecret)
}

/** What the seals of this session are made from. */
export async function sealerOf(session: AttackSession, secret: string): Promise<ContextSealer> {
  const { rows } = await session.query<{ pid: number; database: string }>(
    'select pg_backend_pid() as pid, current_database()::text as database',
  )
  const { pid: backendPid = 0, database = '' } = rows[0] ?? {}
  return { secret, database, backendPid }
}

function plantingContext(context: AttackContext, role: Facts['acting'][number]): string {
  return context.sql(role)
}
