import type { Facts } from '../../tenancy/facts.ts'
import { lookupsOf } from '../../tenancy/lookups.ts'
import { AttackLedger } from '../attack/arena.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { TableVerdict } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { attackFleet, type FleetRun } from '../fleet/attack-fleet.ts'
import { fleetVerdicts } from '../fleet/fleet-verdicts.ts'
import { rules } from '../rules/list.ts'
import { schemaTableUnwalled } from '../rules/schema-table-unwalled.ts'
import { type JoinedFinding, joinFindings, type RuledDraft } from './join-findings.ts'
import type { InternalError } from './report-model.ts'
import { type AttackOptions, type AttackRun, runAttacks } from './run-attacks.ts'
import { makeVerdicts } from './verdicts.ts'

/** The result of one scope: the tables of one kind of tenant, judged for one kind of caller. */
export interface JudgedScope {
  readonly facts: Facts
  readonly findings: readonly JoinedFinding[]
  readonly tables: readonly TableVerdict[]
  readonly run: AttackRun | undefined
  /** The attacks between schemas of single tenants. */
  readonly fleetRun?: FleetRun | undefined
  readonly internalErrors: readonly InternalError[]
}

interface ScopeOptions {
  readonly chosen: readonly Rule[]
  /** If set, findings of other rules are left out, even if an attack raised them. */
  readonly only: readonly string[] | undefined
  /** Undefined if the run only reads the catalog and proves policies. */
  readonly attack: Omit<AttackOptions, 'facts'> | undefined
}

/** Runs the rules and the attacks, joins their results, and gives each verb of each table its verdict. */
export async function judgeScope(facts: Facts, { chosen, only, attack }: ScopeOptions): Promise<JudgedScope> {
  const internalErrors: InternalError[] = []
  const drafts = chosen.flatMap((rule): readonly RuledDraft[] => {
    try {
      return draftsOf(rule, facts).map((draft) => ({ rule, draft }))
    } catch (error) {
      internalErrors.push({ where: `rule ${rule.id}`, message: error instanceof Error ? error.message : String(error) })
      return []
    }
  })
  // Without a table of several tenants there is nothing to plant and to attack.
  const attacked = attack === undefined || (facts.fleet !== undefined && facts.tenancy.tables.size === 0)
  const run = attacked ? undefined : await runAttacks({ ...attack, facts })
  const fleetRun = attack === undefined ? undefined : await attackFleet({ ...attack, facts })
  const ledger = run?.ledger ?? (fleetRun === undefined ? undefined : new AttackLedger(facts))
  ledger?.observations.push(...(fleetRun?.observations ?? []))
  if (fleetRun !== undefined) for (const { object } of suspects(facts)) ledger?.try('schema-table-unwalled', object)
  const findings = joinFindings(facts, drafts, ledger, rules, lookupsOf(facts)).filter(
    (finding) => only === undefined || only.includes(finding.rule),
  )
  const mask = run?.mask ?? ((text: string) => text)
  return {
    facts,
    findings: findings.map((each) => ({ ...each, message: mask(each.message), evidence: each.evidence.map(mask) })),
    tables: [...makeVerdicts(facts, findings, run?.ledger), ...fleetVerdicts(facts, findings, fleetRun)].map(
      (table) => ({ ...table, reasons: masked(table.reasons, mask) }),
    ),
    run,
    fleetRun,
    internalErrors: [...internalErrors, ...(run?.internalErrors ?? [])].map((each) => ({
      ...each,
      message: mask(each.message),
    })),
  }
}

/** Masks planted values in the reasons: a reason may quote an error of the server, and the error may contain a planted value. */
function masked(reasons: TableVerdict['reasons'], mask: (text: string) => string): TableVerdict['reasons'] {
  return Object.fromEntries(Object.entries(reasons).map(([verb, reason]) => [verb, mask(reason)]))
}

/** Findings that only an attack can decide. */
function suspects(facts: Facts) {
  return draftsOf(schemaTableUnwalled, facts).filter(({ suspected }) => suspected === true)
}
