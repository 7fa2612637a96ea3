import type { Relation } from '../catalog/model.ts'
import type { AttackLedger } from './attack/arena.ts'
import type { ActingRole, Facts, Proof } from './facts.ts'
import { type TableVerdict, VERBS, type Verb, type Verdict } from './finding.ts'
import type { JoinedFinding } from './join-findings.ts'
import { lookupsOf } from './lookups.ts'
import { rolesInReach } from './prove/roles-in-reach.ts'
import { privilegeOf } from './reach.ts'

/** The verdict of each verb of each relation that is bound to tenants, or shows rows of one that is. */
export function makeVerdicts(
  facts: Facts,
  findings: readonly JoinedFinding[],
  ledger: AttackLedger | undefined,
): readonly TableVerdict[] {
  const leaking = new Set(
    findings
      .filter((finding) => finding.severity !== 'info')
      .flatMap((finding) => finding.tables.flatMap((table) => (finding.verbs ?? []).map((verb) => `${table}/${verb}`))),
  )
  const leakingTables = new Set([...leaking].map((key) => key.slice(0, key.lastIndexOf('/'))))
  const lookups = lookupsOf(facts)
  return facts.relations
    .filter((relation) => facts.tenantTable(relation) !== undefined)
    .map((relation) => {
      const verbs: Partial<Record<Verb, Verdict>> = {}
      const reasons: Partial<Record<Verb, string>> = {}
      for (const verb of VERBS) {
        const { verdict, reason } = judge(
          facts,
          relation,
          verb,
          leaking.has(`${relation.label}/${verb}`),
          ledger,
          lookups,
          leakingTables,
        )
        verbs[verb] = verdict
        if (reason !== undefined) reasons[verb] = reason
      }
      return { object: relation.label, verbs, reasons }
    })
}

function judge(
  facts: Facts,
  relation: Relation,
  verb: Verb,
  leaks: boolean,
  ledger: AttackLedger | undefined,
  lookups: (label: string) => readonly string[],
  leakingTables: ReadonlySet<string>,
): { readonly verdict: Verdict; readonly reason: string | undefined } {
  if (leaks) return { verdict: 'leaks', reason: undefined }
  const roles: readonly ActingRole[] = rolesInReach(facts).filter(({ role }) =>
    facts.privileges.onRelation(role.oid, relation, privilegeOf(verb)),
  )
  if (roles.length === 0) return { verdict: 'proved', reason: `no role in reach may ${verb}` }
  const beyond = roles.find((role) => role.bypasses)
  if (beyond !== undefined)
    return { verdict: 'unproved', reason: `${beyond.path.join(' → ')}: no policy holds ${beyond.role.name}` }
  const proofs: readonly Proof[] = roles.map((role) => facts.proofs.of(relation, verb, role))
  if (proofs.every((proof) => proof.status === 'proved' || proof.status === 'dark'))
    return {
      verdict: 'proved',
      reason: proofs[0]?.status === 'proved' || proofs[0]?.status === 'dark' ? proofs[0].how : undefined,
    }
  const broken = ledger?.unreliable.get(relation.label)
  // B sees nothing because the table that the policy looks into is broken: that is said there.
  const because = broken === undefined ? undefined : lookups(relation.label).find((label) => leakingTables.has(label))
  if (because !== undefined)
    return { verdict: 'unproved', reason: `its policy looks into ${because}, which has a finding` }
  if (broken !== undefined) return { verdict: 'unreliable', reason: broken }
  if (ledger?.isHeld(relation.label, verb) === true) return { verdict: 'held', reason: undefined }
  const open = proofs.find((proof) => proof.status === 'unproved')
  const why = open?.status === 'unproved' ? open.how : 'the predicate lets other rows through'
  return { verdict: 'unproved', reason: ledger?.reason(relation.label, verb) ?? why }
}
