import type { Relation } from '../../catalog/model.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { rolesInReach } from '../../prove/roles-in-reach.ts'
import type { ActingRole, Facts, Proof } from '../../tenancy/facts.ts'
import { lookupsOf } from '../../tenancy/lookups.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { asksForSession } from '../../tenancy/session-askers.ts'
import type { AttackLedger } from '../attack/arena.ts'
import type { TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import type { JoinedFinding } from './join-findings.ts'
import { isOpen } from './unwalled.ts'

interface Judged {
  readonly verdict: Verdict
  readonly reason: string | undefined
}

/** The facts from which all verdicts of a run are made. */
interface Court {
  readonly facts: Facts
  /** Undefined if nothing was attacked. */
  readonly ledger: AttackLedger | undefined
  readonly leaking: ReadonlySet<string>
  /** Returns the finding that explains why a control failed. */
  readonly explains: Explains
}

/** The verdict of each verb of each relation that is bound to tenants, or that shows rows of such a relation. */
export function makeVerdicts(
  facts: Facts,
  findings: readonly JoinedFinding[],
  ledger: AttackLedger | undefined,
): readonly TableVerdict[] {
  const leaking = new Set(
    findings
      .filter((finding) => finding.severity !== 'info' && finding.crosses)
      .flatMap((finding) => finding.tables.flatMap((table) => (finding.verbs ?? []).map((verb) => `${table}/${verb}`))),
  )
  const bound = new Set([...facts.tenancy.tables.values()].map(({ relation }) => relation.label))
  const court: Court = { facts, ledger, leaking, explains: explanations(facts, findings) }
  return facts.relations
    .filter((relation) => facts.judgedTable(relation) !== undefined)
    .map((relation) => {
      const verbs: Partial<Record<Verb, Verdict>> = {}
      const reasons: Partial<Record<Verb, string>> = {}
      for (const verb of VERBS) {
        // The list of unwalled tables shows these verbs. They have no verdict, because verify does not know to whom the rows belong.
        if (isUnwalled(facts, relation, verb) && !leaking.has(`${relation.label}/${verb}`)) continue
        const { verdict, reason } = judge(court, relation, verb)
        verbs[verb] = verdict
        if (reason !== undefined) reasons[verb] = reason
      }
      return { object: relation.label, verbs, reasons }
    })
    .filter(({ object, verbs }) => bound.has(object) || Object.values(verbs).some((verdict) => verdict !== 'no-access'))
}

function isUnwalled(facts: Facts, relation: Relation, verb: Verb): boolean {
  if (facts.tenantTable(relation) !== undefined) return false
  return facts.reach(relation, privilegeOf(verb)).some((role) => isOpen(facts, relation, verb, role))
}

function judge(court: Court, relation: Relation, verb: Verb): Judged {
  const { facts, ledger } = court
  if (court.leaking.has(`${relation.label}/${verb}`)) return { verdict: 'leaks', reason: undefined }
  const roles = rolesInReach(facts).filter(({ role }) =>
    facts.privileges.onRelation(role.oid, relation, privilegeOf(verb)),
  )
  if (roles.length === 0) return { verdict: 'no-access', reason: `no role in reach may ${verb}` }
  const beyond = roles.find((role) => role.bypasses)
  if (beyond !== undefined)
    return { verdict: 'unproved', reason: `${beyond.path.join(' → ')}: no policy applies to ${beyond.role.name}` }
  const live = roles.filter((role) => facts.proofs.of(relation, verb, role).status !== 'dark')
  if (live.length === 0) return { verdict: 'no-access', reason: `no policy lets a role in reach ${verb} any row` }
  const doubt = facts.loginDoubt ?? ledger?.loginFailure
  if (doubt !== undefined && asksForSession(facts, relation.label))
    return { verdict: 'unproved', reason: `its policies ask who logged in: ${doubt}` }
  const proofs = live.map((role) => facts.proofs.of(relation, verb, role))
  const [first] = proofs
  const proved = proofs.every((proof) => proof.status === 'proved')
  const how = first?.status === 'proved' ? first.how : undefined
  const open = proofs.find((proof) => proof.status === 'unproved')
  const why =
    sameForAllRows(proofs) ?? (open?.status === 'unproved' ? open.how : 'the predicate lets other rows through')
  if (ledger === undefined)
    return proved
      ? { verdict: 'proved-static', reason: `${how ?? ''}; no control was run: nothing was attacked` }
      : { verdict: 'unproved', reason: why }
  const failure = failedControl(court, relation, verb, live)
  if (failure !== undefined) return failure
  const missing = missingControl(ledger, relation, verb, live)
  if (proved)
    return missing === undefined
      ? { verdict: 'proved', reason: how }
      : { verdict: 'proved-static', reason: `${how ?? ''}; no control was seen working: ${missing}` }
  const needs = live.map((role) => ledger.controls.of(relation, verb, role)).find((control) => 'needs' in control)
  if (ledger.isHeld(relation.label, verb) && missing === undefined && needs === undefined)
    return { verdict: 'held', reason: undefined }
  const more =
    needs !== undefined && 'needs' in needs ? `the tenant's own row passes it only with ${needs.needs}` : undefined
  const said = ledger.reason(relation.label, verb) ?? missing ?? more
  return { verdict: 'unproved', reason: said === undefined ? why : `${why}; ${said}` }
}

/** The reason, if a policy on a table without a tenant tests the session but not the row. */
function sameForAllRows(proofs: readonly Proof[]): string | undefined {
  const passing = proofs
    .flatMap((proof) => ('weaknesses' in proof ? proof.weaknesses : []))
    .find(({ passes }) => passes === 'sessions')
  if (passing === undefined) return undefined
  return `the table has no tenant, and the condition of policy ${passing.policy} is the same for all its rows`
}

/** The verdict if a control of this verb failed: a tenant does not see its own row, or the server raised an error. */
function failedControl(court: Court, relation: Relation, verb: Verb, roles: readonly ActingRole[]): Judged | undefined {
  const { ledger, explains } = court
  const negative = ledger?.unreliable.get(relation.label)
  if (negative !== undefined) return { verdict: 'unreliable', reason: negative }
  const difference = ledger?.difference(relation.label, verb)
  if (difference !== undefined) return { verdict: 'unreliable', reason: difference }
  for (const role of roles) {
    const control = ledger?.controls.of(relation, verb, role)
    if (control?.status !== 'dark' && control?.status !== 'error') continue
    const said = control.status === 'error' ? `it ended in ${control.code}: ${control.how}` : control.how
    const because = explains(relation, verb, control.status === 'error' ? control.code : undefined)
    if (because !== undefined)
      return { verdict: 'unproved', reason: `${said}; ${because.rule} on ${because.object} says why` }
    return { verdict: 'unreliable', reason: `the control failed for ${role.role.name}: ${said}` }
  }
  return undefined
}

function missingControl(
  ledger: AttackLedger,
  relation: Relation,
  verb: Verb,
  roles: readonly ActingRole[],
): string | undefined {
  for (const role of roles) {
    const control = ledger.controls.of(relation, verb, role)
    if (control.status !== 'worked' && 'how' in control) return control.how
  }
  return undefined
}

/** Returns the finding that explains why a control of this verb failed. `code` is the error code of the control, if there was one. */
type Explains = (relation: Relation, verb: Verb, code: string | undefined) => JoinedFinding | undefined

/** Error codes of recursive policies, which only a finding about recursion explains. */
const RECURSES = new Set(['42P17', '54001'])

/** Findings of at least medium severity on the table, or on a lookup table that its policies query, may explain a failed control. */
function explanations(facts: Facts, findings: readonly JoinedFinding[]): Explains {
  const loud = findings.filter(
    ({ severity, group }) => (group === 'rls' || group === 'policy') && severity !== 'info' && severity !== 'low',
  )
  const lookups = lookupsOf(facts)
  return (relation, verb, code) => {
    const denial = loud.find(
      (finding) =>
        !finding.crosses && finding.tables.includes(relation.label) && finding.verbs?.includes(verb) === true,
    )
    if (denial !== undefined || (code !== undefined && RECURSES.has(code))) return denial
    const tables = [relation.label, ...lookups(relation.label)]
    return loud.find((finding) => finding.crosses && finding.tables.some((table) => tables.includes(table)))
  }
}
