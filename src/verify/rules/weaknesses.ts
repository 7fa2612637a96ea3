import type { Policy, Relation } from '../../catalog/model.ts'
import type { ActingRole, Facts, Weakness } from '../facts.ts'
import { VERBS, type Verb } from '../finding.ts'
import { appliesTo, covers } from '../prove/effective.ts'
import type { RuleId } from '../rule-id.ts'
import type { Expr } from '../sql/tree.ts'

/** A weakness of a policy, joined over verbs and roles, under the rule that speaks of it. */
export interface PolicyWeakness extends Weakness {
  readonly relation: Relation
  readonly policyObject: Policy | undefined
  readonly verbs: readonly Verb[]
  readonly roles: readonly string[]
}

const known = new WeakMap<Facts, readonly PolicyWeakness[]>()

/** All weaknesses of the run that a rule of section 4 speaks of; each under exactly one rule. */
export function weaknessesOf(facts: Facts, rule: string): readonly PolicyWeakness[] {
  return allWeaknesses(facts).filter((weakness) => weakness.rule === rule)
}

export function allWeaknesses(facts: Facts): readonly PolicyWeakness[] {
  let all = known.get(facts)
  if (all === undefined) {
    all = gather(facts)
    known.set(facts, all)
  }
  return all
}

function gather(facts: Facts): readonly PolicyWeakness[] {
  const joined = new Map<string, PolicyWeakness>()
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const role of facts.acting) {
      if (!facts.protectedFor(relation, role)) continue
      for (const verb of VERBS) {
        const proof = facts.proofs.of(relation, verb, role)
        if (proof.status !== 'open' && proof.status !== 'unproved') continue
        for (const weakness of proof.weaknesses) {
          if (weakness.rule === 'unproved') continue
          const policyObject = relation.policies.find((policy) => policy.name === weakness.policy)
          const rule = assign(facts, relation, verb, role, weakness, policyObject)
          const key = [
            relation.oid,
            rule,
            weakness.policy,
            weakness.clause === 'check' && rule === 'policy-check-lax' ? 'check' : '',
          ].join('/')
          const before = joined.get(key)
          joined.set(key, {
            ...weakness,
            rule,
            relation,
            policyObject,
            certain: weakness.certain || before?.certain === true,
            verbs: unique([...(before?.verbs ?? []), verb]),
            roles: unique([...(before?.roles ?? []), role.role.name]),
          })
        }
      }
    }
  }
  return [...joined.values()]
}

/** Shapes that say "nothing holds it"; why that is so depends on the policies beside it. */
const WIDE = new Set(['policy-always-true', 'policy-wrong-column', 'policy-column-opt-out'])
/** New rows that only name their user: he plants them in any tenant. */
const WIDE_CHECK = new Set([...WIDE, 'policy-user-not-tenant'])

function assign(
  facts: Facts,
  relation: Relation,
  verb: Verb,
  role: ActingRole,
  weakness: Weakness,
  policy: Policy | undefined,
): RuleId | 'unproved' {
  const readsHold = ['proved', 'dark'].includes(facts.proofs.of(relation, 'select', role).status)
  // WITH CHECK (author = user): a condition of its own, and not on the tenant.
  const ownCheck = policy?.command === 'insert' || (policy?.check !== undefined && policy.check !== policy.using)
  const elsewhere = WIDE.has(weakness.rule) || (WIDE_CHECK.has(weakness.rule) && ownCheck)
  if (weakness.clause === 'check' && elsewhere && readsHold) return 'policy-check-lax'
  if (WIDE.has(weakness.rule) && policy !== undefined && isForOthers(facts, policy)) return 'policy-role-wide'
  const ofWrites = policy !== undefined && (policy.command === 'update' || policy.command === 'delete')
  if (WIDE.has(weakness.rule) && ofWrites && readsHold && isAlone(relation, policy, verb, role))
    return 'policy-command-gap'
  if (weakness.rule !== 'policy-always-true' || policy === undefined) return weakness.rule
  if (callsHelper(facts, policy, weakness.clause)) return 'policy-function-constant'
  const everybody = policy.roles.includes(0) || policy.roles.includes(facts.tenancy.appRole.oid)
  if (!everybody) return 'policy-role-wide'
  const besides = relation.policies.some(
    (other) => other !== policy && (other.permissive ? covers(other.command, verb) && appliesTo(other, role) : true),
  )
  if (besides) return 'policy-permissive-or'
  // One expression for both clauses is one hole.
  if (weakness.clause === 'check' && ownCheck) return 'policy-check-lax'
  return readsHold && verb !== 'select' ? 'policy-command-gap' : weakness.rule
}

/** Neither for everybody nor for a role whose policies the app's own login has without becoming it. */
function isForOthers(facts: Facts, policy: Policy): boolean {
  const login = facts.acting.find((role) => role.role.oid === facts.tenancy.appRole.oid)
  return !policy.roles.some((role) => role === 0 || role === login?.role.oid || login?.rights.has(role) === true)
}

function isAlone(relation: Relation, policy: Policy, verb: Verb, role: ActingRole): boolean {
  return !relation.policies.some(
    (other) => other !== policy && other.permissive && covers(other.command, verb) && appliesTo(other, role),
  )
}

/** The whole policy is one call of a helper. */
function callsHelper(facts: Facts, policy: Policy, clause: 'using' | 'check'): boolean {
  const text = clause === 'using' ? policy.using : (policy.check ?? policy.using)
  const parsed = text === undefined ? undefined : facts.sql.expression(text)
  if (parsed?.ok !== true) return false
  let expr: Expr = parsed.value
  while (expr.kind === 'subquery' && expr.type === 'scalar' && expr.query.targets[0] !== undefined)
    expr = expr.query.targets[0].expr
  return expr.kind === 'call' && facts.functionsNamed(expr.schema, expr.name).length > 0
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}
