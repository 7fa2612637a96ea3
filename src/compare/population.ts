import type { Oid, Relation } from '../catalog/model.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import type { ContextSealer } from '../verify/attack/contexts.ts'
import { maskPlanted } from '../verify/attack/mask-planted.ts'
import { plantedContexts } from '../verify/attack/open-arena.ts'
import { plant } from '../verify/attack/plant.ts'
import type { PlantedRow, Planting, Side } from '../verify/attack/planting.ts'
import type { AttackSession } from '../verify/attack/session.ts'
import { sessionKeys } from '../verify/attack/session-keys.ts'
import type { Owner, User } from './access.ts'

/** Three users of two tenants, with one row of each user in every table that accepts such a row. */
export interface Population {
  row(relation: Relation, owner: Owner): PlantedRow | undefined
  /** Statements that set the session's context to this user, by the settings that the facts name. */
  sessionSql(facts: Facts, user: User, role: ActingRole): string
  /** Tables without a row, with the server's reason. */
  readonly failures: ReadonlyMap<Oid, string>
}

const FIRST = '0a51c1'
const SECOND = '07a3e9'

/**
 * Plants the rows as the role of this session, which bypasses policies. It commits nothing.
 *
 * @param sealer makes the seals of the users' sessions; undefined: the schema has no seal
 */
export async function populate(
  facts: Facts,
  session: AttackSession,
  sealer: ContextSealer | undefined,
): Promise<Population> {
  const first = await plantUsers(facts, session, FIRST, undefined)
  // The second planting adds other users to the same tenants, so it uses the first planting's rows in the table of tenants.
  const second = await plantUsers(facts, session, SECOND, {
    ...first,
    rows: registryRows(facts, first),
    failures: new Map(),
  })
  const placed: Readonly<Record<Owner, readonly [Planting, Side]>> = {
    'user 1 of tenant 1': [first, 'a'],
    'user 2 of tenant 1': [second, 'a'],
    'user 3 of tenant 2': [first, 'b'],
  }
  const mask = maskPlanted(first)
  return {
    failures: new Map([...first.failures].map(([oid, reason]) => [oid, mask(reason)])),
    row(relation, owner) {
      const [planting, side] = placed[owner]
      return planting.row(relation, side)
    },
    sessionSql(of, user, role) {
      const [planting, side] = placed[user === 'nobody' ? 'user 1 of tenant 1' : user]
      const contexts = plantedContexts(of, planting, sealer, undefined)
      const context = user === 'nobody' ? contexts.strangers[0] : contexts[side]
      return context?.sql(role) ?? ''
    },
  }
}

function plantUsers(facts: Facts, session: AttackSession, nonce: string, before: Planting | undefined) {
  return plant({
    facts,
    session,
    nonce,
    keys: sessionKeys(facts, nonce),
    contextSql: undefined,
    ...(before === undefined ? {} : { before }),
  })
}

function registryRows(facts: Facts, planting: Planting): Planting['rows'] {
  return new Map([...planting.rows].filter(([oid]) => facts.tenancy.tables.get(oid)?.kind === 'root'))
}
