import type pg from 'pg'
import type { Queryable } from '../../catalog/model.ts'
import { readCatalog } from '../../catalog/read-catalog.ts'
import { makeProofs } from '../../prove/proofs.ts'
import { createSqlReader } from '../../sql/reader.ts'
import { buildFacts } from '../../tenancy/build-facts.ts'
import { discover } from '../../tenancy/discovery/discover.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { VerifyOptions } from '../options.ts'
import { type JoinedFinding, joinFindings } from '../report/join-findings.ts'
import { runAttacks } from '../report/run-attacks.ts'
import { rules } from '../rules/list.ts'

/** Options for judging a schema, the same for all its mutants. */
export interface JudgeOptions extends Pick<VerifyOptions, 'schemas' | 'sealSecret' | 'contextSql'> {
  readonly appRole: string
  readonly tenantColumns: readonly string[]
  readonly setting: string | undefined
  readonly sealed: boolean
}

/** Facts of the schema as this connection's open transaction sees it. */
export async function factsInTransaction(client: pg.Client, options: JudgeOptions): Promise<Facts> {
  const queryable: Queryable = {
    query: (text, values) => client.query(text, values === undefined ? undefined : [...values]),
  }
  const catalog = await readCatalog(queryable)
  const sql = createSqlReader()
  const tenancy = discover(catalog, sql, options)
  return buildFacts({ catalog, sql, tenancy, sealed: options.sealed, loginDoubt: undefined, proofs: makeProofs })
}

/** The static findings, from the catalog alone. A rule that throws yields none. */
export function readFindings(facts: Facts): readonly JoinedFinding[] {
  return joinFindings(facts, draftsOf(facts), undefined, rules)
}

/** The findings of the attacks, inside the open transaction. The connection must be new, so that no setting was ever set on it. */
export async function attackFindings(
  client: pg.Client,
  facts: Facts,
  options: JudgeOptions,
): Promise<readonly JoinedFinding[]> {
  const run = await runAttacks({
    facts,
    connect: async () => insideTransaction(client),
    sealSecret: options.sealSecret,
    contextSql: options.contextSql,
    ownServer: undefined,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
    onProgress: () => {},
  })
  return joinFindings(facts, draftsOf(facts), run.ledger, rules)
}

function draftsOf(facts: Facts) {
  return rules.flatMap((rule) => {
    try {
      return [...rule.run(facts)].map((draft) => ({ rule, draft }))
    } catch {
      return [] // the main run reports it; here it must not look like a mutant that was noticed
    }
  })
}

/** A client on which BEGIN and ROLLBACK act on a savepoint, so that a ROLLBACK does not undo the mutant. Its end() does nothing. */
function insideTransaction(client: pg.Client): pg.Client {
  const control: Readonly<Record<string, string>> = {
    begin: 'savepoint partywall_mutant_attack',
    rollback: 'rollback to savepoint partywall_mutant_attack',
  }
  return new Proxy(client, {
    get(target, property) {
      if (property === 'end') return async () => {}
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        const [first, ...rest] = given
        const text = property === 'query' && typeof first === 'string' ? (control[first] ?? first) : first
        return Reflect.apply(value, target, [text, ...rest])
      }
    },
  })
}
