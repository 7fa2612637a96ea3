import type { Policy, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import type { Expr } from '../../sql/tree.ts'
import type { ActingRole, Facts, Weakness, WeaknessKind } from '../../tenancy/facts.ts'
import type { RuleId } from '../finding/rule-id.ts'

/** A weakness of a policy, or an observed crossing, for which `classify` chooses the rule that reports it. */
type Cause =
  /** A branch of a policy that does not imply the tenant. */
  | {
      readonly from: 'weakness'
      readonly relation: Relation
      readonly verb: Verb
      readonly role: ActingRole
      readonly weakness: Weakness
      readonly policy: Policy | undefined
    }
  /** Rows of another tenant that an attack reached although no static finding explains it. */
  | {
      readonly from: 'crossing'
      readonly relation: Relation
      readonly verb: Verb
      readonly role: ActingRole
      /** Whether the session had set a tenant. */
      readonly asTenant: boolean
      /** Whether SELECT leaks on this table as well. Leaking writes then have the same cause, and the same rule reports them. */
      readonly readsToo: boolean
    }

/** Decides which rule reports a finding about rows of a table. No other code decides that. Undefined if no rule reports it. */
export function classify(facts: Facts, cause: Cause): RuleId | undefined {
  return cause.from === 'weakness' ? ofWeakness(facts, cause) : ofCrossing(facts, cause)
}

function ofCrossing(
  facts: Facts,
  { relation, verb, role, asTenant, readsToo }: Extract<Cause, { from: 'crossing' }>,
): RuleId {
  if (!relation.rowSecurity) return 'rls-disabled'
  if (!facts.protectedFor(relation, role)) return 'table-owned-by-app'
  if (readsToo) return 'policy-always-true'
  if (!asTenant) return 'policy-fail-open'
  if (verb === 'insert') return 'policy-check-lax'
  return verb === 'select' ? 'policy-always-true' : 'policy-command-gap'
}

/** The rule of each kind of weakness, unless the other policies of the table give a better explanation. */
const RULES: Readonly<Record<Exclude<WeaknessKind, 'beyond-the-prover'>, RuleId>> = {
  'always-true': 'policy-always-true',
  'captured-name': 'policy-subquery-capture',
  'fail-open': 'policy-fail-open',
  'swallowed-error': 'policy-function-constant',
  'bypass-flag': 'policy-bypass-flag',
  'user-claim': 'policy-user-claim',
  'null-tenant': 'policy-null-tenant',
  'range-compare': 'policy-range-compare',
  'lossy-compare': 'policy-lossy-compare',
  'setting-mismatch': 'policy-setting-mismatch',
  'wrong-column': 'policy-wrong-column',
  'user-not-tenant': 'policy-user-not-tenant',
  'role-identity': 'policy-role-identity',
  'column-opt-out': 'policy-column-opt-out',
  'trusts-table': 'policy-trusts-unprotected-table',
}

/** Kinds that mean "nothing restricts the tenant". The rule then depends on the table's other policies. */
const WIDE: ReadonlySet<WeaknessKind> = new Set(['always-true', 'wrong-column', 'column-opt-out'])
/** The kinds that mean "nothing restricts the tenant" in a WITH CHECK. If only the user is tested, a row can be inserted into any tenant. */
const WIDE_CHECK: ReadonlySet<WeaknessKind> = new Set([...WIDE, 'user-not-tenant'])

function ofWeakness(
  facts: Facts,
  { relation, verb, role, weakness, policy }: Extract<Cause, { from: 'weakness' }>,
): RuleId | undefined {
  const { kind, clause } = weakness
  if (kind === 'beyond-the-prover') return undefined
  const readsHold = ['proved', 'dark'].includes(facts.proofs.of(relation, 'select', role).status)
  // WITH CHECK (author = user): the clause has its own condition, which does not test the tenant.
  const ownCheck = policy?.command === 'insert' || (policy?.check !== undefined && policy.check !== policy.using)
  const elsewhere = WIDE.has(kind) || (WIDE_CHECK.has(kind) && ownCheck)
  if (clause === 'check' && elsewhere && readsHold) return 'policy-check-lax'
  if (WIDE.has(kind) && policy !== undefined && isForOthers(facts, policy)) return 'policy-role-wide'
  const ofWrites = policy !== undefined && (policy.command === 'update' || policy.command === 'delete')
  if (WIDE.has(kind) && ofWrites && readsHold && isAlone(relation, policy, verb, role)) return 'policy-command-gap'
  if (kind !== 'always-true' || policy === undefined) return RULES[kind]
  if (callsHelper(facts, policy, clause)) return 'policy-function-constant'
  const everybody = policy.roles.includes(0) || policy.roles.includes(facts.tenancy.appRole.oid)
  if (!everybody) return 'policy-role-wide'
  const besides = relation.policies.some(
    (other) => other !== policy && (other.permissive ? covers(other.command, verb) && appliesTo(other, role) : true),
  )
  if (besides) return 'policy-permissive-or'
  // If WITH CHECK has the same expression as USING, the finding about USING is enough.
  if (clause === 'check' && ownCheck) return 'policy-check-lax'
  return readsHold && verb !== 'select' ? 'policy-command-gap' : RULES[kind]
}

/**
 * Whether the policy is for other roles than the application's login: not for PUBLIC, not for the login, and not for a role whose rights the
 * login inherits.
 */
function isForOthers(facts: Facts, policy: Policy): boolean {
  const login = facts.acting.find((role) => role.role.oid === facts.tenancy.appRole.oid)
  return !policy.roles.some((role) => role === 0 || role === login?.role.oid || login?.rights.has(role) === true)
}

function isAlone(relation: Relation, policy: Policy, verb: Verb, role: ActingRole): boolean {
  return !relation.policies.some(
    (other) => other !== policy && other.permissive && covers(other.command, verb) && appliesTo(other, role),
  )
}

/** Whether the whole clause is one call of a function that was created in this database. */
function callsHelper(facts: Facts, policy: Policy, clause: 'using' | 'check'): boolean {
  const text = clause === 'using' ? policy.using : (policy.check ?? policy.using)
  const parsed = text === undefined ? undefined : facts.sql.expression(text)
  if (parsed?.ok !== true) return false
  let expr: Expr = parsed.value
  while (expr.kind === 'subquery' && expr.type === 'scalar' && expr.query.targets[0] !== undefined)
    expr = expr.query.targets[0].expr
  return expr.kind === 'call' && facts.functionsNamed(expr.schema, expr.name).length > 0
}
