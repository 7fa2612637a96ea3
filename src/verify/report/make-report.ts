import { digestWithoutPartywall, schemaDigest } from '../../catalog/schema-digest.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { grantLines } from '../../tenancy/app-role-sql.ts'
import { describeSetting } from '../../tenancy/discovery/discover.ts'
import type { Facts, Tenancy } from '../../tenancy/facts.ts'
import { fleetParts } from '../../tenancy/fleet/fleet-parts.ts'
import type { RowsBefore } from '../attack/look-for-rows.ts'
import { type Finding, SEVERITIES, type TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import { inOrder, type JoinedFinding } from './join-findings.ts'
import type { JudgedScope } from './judge-scope.ts'
import { examinedIn } from './make-examined.ts'
import { isReachable } from './reachable.ts'
import type { ServerFacts } from './read-server-facts.ts'
import { countFindings, countVerdicts } from './report-counts.ts'
import type { VerifyReport } from './report-model.ts'
import { type UnwalledTable, unwalledTables } from './unwalled.ts'

/** Facts about the whole run, and not about one scope. */
interface RunFacts {
  readonly ruleCount: number
  readonly server: ServerFacts
  readonly rowsBefore: RowsBefore | undefined
}

/** Joins the results of all scopes into one report. The first scope is the application's own. */
export function makeReport(
  judged: readonly [JudgedScope, ...(readonly JudgedScope[])],
  { ruleCount, server, rowsBefore }: RunFacts,
): VerifyReport {
  const bound = boundTables(judged)
  const scopes = withoutTablesOfOthers(judged, bound)
  const [first] = scopes
  const tables = joinTables(scopes)
  const findings = joinScopes(scopes).map(
    ({ verbs: _verbs, tables: _tables, group: _group, crosses: _crosses, ...finding }): Finding => finding,
  )
  const { tenancy, catalog } = first.facts
  const ofFleet = fleetParts(first.facts.fleet, first.facts.roleName)
  const without = digestWithoutPartywall(catalog, ofFleet)
  const reachable = scopes.some((scope) => isReachable(scope.facts, scope.tables) || reachesFleet(scope.facts))
  const sum = (count: (scope: JudgedScope) => number) => scopes.reduce((total, scope) => total + count(scope), 0)
  return {
    version: 1,
    findings,
    tables,
    unwalled: joinUnwalled(scopes, bound),
    examined: examinedIn(scopes, server),
    summary: {
      database: catalog.database.name,
      serverVersion: catalog.serverVersion,
      schemaDigest: schemaDigest(catalog, ofFleet),
      ...(without === undefined ? {} : { schemaDigestWithoutPartywall: without }),
      mode: first.run === undefined && first.fleetRun === undefined ? 'static' : 'attack',
      ...(rowsBefore === undefined ? {} : { rowsBefore }),
      sealed: first.facts.sealed,
      appRole: tenancy.appRole.name,
      actingRoles: unique(scopes.flatMap(({ facts }) => facts.acting.map((role) => role.role.name))),
      tenantColumns: tenancy.columnNames,
      setting: describeSetting(tenancy.context),
      rootTable: tenancy.root?.relation.label,
      reachable,
      grantsMissing: reachable || worksByLevels(tenancy) ? [] : grantLines(tenancy.appRole.name, schemasOf(tenancy)),
      notes: [...scopes.flatMap(({ facts }) => facts.tenancy.notes), ...timeOuts(scopes)],
      counts: {
        findings: countFindings(findings),
        verdicts: countVerdicts(tables),
        rules: ruleCount,
        attacks: first.run?.attacks ?? 0,
        probes: sum(({ run, fleetRun }) => (run?.probes ?? 0) + (fleetRun?.probes ?? 0)),
        tables: tables.length,
        tablesPlanted: sum(({ run, fleetRun }) => (run?.planted ?? 0) + (fleetRun?.planted ?? 0)),
      },
      internalErrors: scopes.flatMap((scope) => scope.internalErrors),
    },
  }
}

/**
 * Whether the application's login has its rights by the roles that SET ROLE gives it, as after `partywall protect` or `init`. Grants to the
 * login itself would then bypass the policies of those roles.
 */
function worksByLevels({ appRole }: Tenancy): boolean {
  return !appRole.inherit
}

/** Whether the application can use something in a tenant's schema. */
function reachesFleet({ fleet }: Facts): boolean {
  return (
    fleet !== undefined &&
    (fleet.relations.some(({ reach }) => reach.length > 0) || fleet.functions.some(({ executable }) => executable))
  )
}

/**
 * Joins the findings of all scopes. If a table is a tenant table in one scope, only findings of that scope count: another scope would judge
 * the table as a table without a tenant. If two scopes have the same finding, the more severe one is kept.
 */
function joinScopes(scopes: readonly JudgedScope[]): readonly JoinedFinding[] {
  const bound = new Set(scopes.flatMap(({ tables }) => tables.map((table) => table.object)))
  const byKey = new Map<string, JoinedFinding>()
  for (const { findings, tables } of scopes) {
    const own = new Set(tables.map((table) => table.object))
    for (const finding of findings) {
      if (bound.has(finding.object) && !own.has(finding.object)) continue
      const known = byKey.get(finding.key)
      if (known === undefined || rank(finding) > rank(known)) byKey.set(finding.key, finding)
    }
  }
  return [...byKey.values()].sort(inOrder)
}

function rank({ severity, proof }: Finding): number {
  return SEVERITIES.indexOf(severity) * 2 + (proof === 'exploited' ? 1 : 0)
}

/** Worst first. If two scopes judge the same verb, the worse verdict is reported. */
const WORST: readonly Verdict[] = ['leaks', 'unreliable', 'unproved', 'proved-static', 'held', 'proved', 'no-access']

function joinTables(scopes: readonly JudgedScope[]): readonly TableVerdict[] {
  const joined = new Map<string, { verbs: Partial<Record<Verb, Verdict>>; reasons: Partial<Record<Verb, string>> }>()
  for (const { tables } of scopes)
    for (const table of tables) {
      const entry = joined.get(table.object) ?? { verbs: {}, reasons: {} }
      joined.set(table.object, entry)
      for (const verb of VERBS) {
        const verdict = table.verbs[verb]
        const before = entry.verbs[verb]
        if (verdict === undefined || (before !== undefined && WORST.indexOf(before) <= WORST.indexOf(verdict))) continue
        entry.verbs[verb] = verdict
        const reason = table.reasons[verb]
        if (reason === undefined) delete entry.reasons[verb]
        else entry.reasons[verb] = reason
      }
    }
  return [...joined].map(([object, entry]) => ({ object, ...entry })).sort((a, b) => a.object.localeCompare(b.object))
}

/** Labels of the tables that some scope binds to tenants, or to persons. */
function boundTables(scopes: readonly JudgedScope[]): ReadonlySet<string> {
  return new Set(
    scopes.flatMap(({ facts }) => [...facts.tenancy.tables.values()].map(({ relation }) => relation.label)),
  )
}

/** A table without a tenant in one scope may be a table of persons in another scope. Then only the scope that binds the table judges it. */
function withoutTablesOfOthers<T extends readonly JudgedScope[]>(scopes: T, bound: ReadonlySet<string>): T
function withoutTablesOfOthers(scopes: readonly JudgedScope[], bound: ReadonlySet<string>): readonly JudgedScope[] {
  return scopes.map((scope) => {
    const own = boundTables([scope])
    return { ...scope, tables: scope.tables.filter(({ object }) => own.has(object) || !bound.has(object)) }
  })
}

/** Joins the unprotected tables of all scopes. A table that is a tenant table in any scope is left out. */
function joinUnwalled(scopes: readonly JudgedScope[], judged: ReadonlySet<string>): readonly UnwalledTable[] {
  const found = new Map<string, UnwalledTable>()
  for (const { facts } of scopes)
    for (const table of unwalledTables(facts))
      if (!judged.has(table.object) && !found.has(table.object)) found.set(table.object, table)
  return [...found.values()].sort((a, b) => a.object.localeCompare(b.object))
}

function schemasOf({ tables }: Tenancy): readonly string[] {
  return unique([...tables.values()].map(({ relation }) => relation.schema))
}

function timeOuts(scopes: readonly JudgedScope[]): string[] {
  const count = scopes.reduce((total, { run }) => total + (run?.timedOut ?? 0), 0)
  if (count === 0) return []
  return [`${count} ${count === 1 ? 'probe' : 'probes'} of the attacks ran into the time limit and saw nothing`]
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
