import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { SEALED_FOR_WRITING, sealedRow, sealedRowBefore } from '../../seal/policy-text.ts'
import { walkBody } from '../../sql/walk.ts'
import { functionFinder, settingsOfFunction } from '../../tenancy/discovery/settings.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { invokerSql } from '../../tenancy/invoker-sql.ts'
import { createPolicySql } from '../../tenancy/policy-sql.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { callableDefiners } from '../readings/definer-code.ts'
import { isSealed, meansToBeSealed } from '../readings/seal-facts.ts'
import { unsealedByFunction, unsealedByView } from '../readings/unsealed-owners.ts'

export const policyUnsealed: Rule = {
  id: 'policy-unsealed',
  group: 'context',
  ofProtect: 'sealed',
  title: 'A table, view or function trusts the plain setting in a sealed schema',
  severity: 'high',
  meaning: 'Injected SQL sets the setting to another tenant, and nothing here checks the seal that would refuse it.',
  remedy:
    'Add tenant_seal_policy for every role in reach; set security_invoker on views; read partywall.tenant_id() in SECURITY DEFINER functions.',
  *run(facts) {
    if (!meansToBeSealed(facts)) return
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind === 'child' || table.relation.kind === 'foreign-table') continue
      const { relation, column } = table
      const roles = facts.acting.filter((role) => !role.bypasses && facts.protectedFor(relation, role))
      const open = VERBS.flatMap((verb) =>
        roles
          .filter((role) => facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb)))
          .filter((role) => !isSealed(facts, relation, verb, role))
          .filter((role) => facts.proofs.of(relation, verb, role).status !== 'dark')
          .map((role) => ({ verb, role })),
      )
      if (open.length === 0) continue
      const names = [...new Set(open.map(({ role }) => role.role.name))]
      const verbs = VERBS.filter((verb) => open.some((item) => item.verb === verb))
      const sealed = facts.relationNamed('partywall', 'ticket') === undefined ? sealedRowBefore : sealedRow
      const test = sealed(quoteIdentifier(column.name), column.type)
      yield {
        object: relation.label,
        message: `${relation.label} trusts the plain setting for ${names.join(', ')}: no restrictive policy checks the seal, so injected SQL switches the tenant there.`,
        evidence: [`no seal policy for ${verbs.join(', ')}`],
        verbs,
        fix: createPolicySql(
          relation,
          'tenant_seal_policy',
          `AS RESTRICTIVE FOR ALL TO ${names.map(quoteIdentifier).join(', ')} USING (${test}) WITH CHECK (${test})`,
        ).concat(sealed === sealedRow ? `\n${writePolicySql(relation, names)}` : ''),
      }
    }
    yield* writingReaders(facts)
    yield* unsealedFunctions(facts)
    yield* unsealedOwners(facts)
  },
}

/** Tables whose seal policy accepts tickets for reading as well as for writing, and that have no policy on the seal's mode. */
function* writingReaders(facts: Facts) {
  for (const { kind, relation } of facts.tenancy.tables.values()) {
    if (kind === 'child' || !relation.policies.some(({ using }) => using?.includes('partywall.ticket') === true))
      continue
    const open = (['insert', 'update'] as const).flatMap((verb) =>
      facts
        .reach(relation, privilegeOf(verb))
        .filter((role) => isSealed(facts, relation, verb, role) && !asksForMode(relation, verb, role))
        .map((role) => ({ verb, role })),
    )
    if (open.length === 0) continue
    const names = [...new Set(open.map(({ role }) => role.role.name))]
    yield {
      object: relation.label,
      ...chosenSeverity('medium', 'A session that may only read can write, but it reaches no other tenant.'),
      message: `A session with a seal for reading may write ${relation.label} as ${names.join(', ')}: its ticket opens the tenant's rows, and no policy checks the seal's mode.`,
      evidence: ['no tenant_write_policy'],
      fix: writePolicySql(relation, names),
    }
  }
}

function asksForMode(relation: Relation, verb: Verb, role: ActingRole): boolean {
  return relation.policies.some(
    (policy) =>
      !policy.permissive &&
      covers(policy.command, verb) &&
      appliesTo(policy, role) &&
      /partywall\.(?:seal_writes|writes_as)\(/.test(policy.check ?? policy.using ?? ''),
  )
}

function writePolicySql(relation: Relation, names: readonly string[]): string {
  const to = names.map(quoteIdentifier).join(', ')
  return createPolicySql(
    relation,
    'tenant_write_policy',
    `AS RESTRICTIVE FOR ALL TO ${to} WITH CHECK (${SEALED_FOR_WRITING})`,
  )
}

/** Views and functions whose owner is restricted only by policies on the plain setting. */
function* unsealedOwners(facts: Facts) {
  const said = new Set([...unsealedFunctions(facts)].map(({ object }) => object))
  const found = [
    ...facts.relations.map((view) => ({
      object: view.label,
      owner: view.owner,
      uses: unsealedByView(facts, view),
      fix: `ALTER VIEW ${qualifiedName(view)} SET (security_invoker = true);`,
    })),
    ...[...callableDefiners(facts)].map((fn) => ({
      object: fn.label,
      owner: fn.owner,
      uses: unsealedByFunction(facts, fn),
      fix: `-- Compare with partywall.tenant_id() in each of its statements, or:\n${invokerSql(facts, fn)}`,
    })),
  ]
  for (const { object, owner, uses, fix } of found) {
    if (uses.length === 0 || said.has(object)) continue
    const tables = [...new Set(uses.map(({ relation }) => relation.label))].sort()
    const name = facts.roleName(owner)
    yield {
      object,
      message: `${object} uses ${tables.join(', ')} as its owner, to whom no policy on the seal applies: injected SQL sets the plain setting to another tenant.`,
      evidence: [`no seal policy of ${tables.join(', ')} applies to ${name}`],
      verbs: [...new Set(uses.map(({ verb }) => verb))],
      tables,
      fix,
    }
  }
}

/**
 * SECURITY DEFINER functions that read the plain setting and not the seal. Policies, which would check the seal, do not apply to these
 * functions.
 */
function* unsealedFunctions(facts: Facts) {
  const finder = functionFinder(facts.catalog)
  for (const fn of facts.functions) {
    if (!fn.securityDefiner || (!fn.returnsTrigger && facts.executors(fn).length === 0)) continue
    const reads = settingsOfFunction(fn, facts.sql, finder).some((use) => use.setting === facts.tenancy.context.setting)
    let seal = false
    walkBody(facts.sql.body(fn), {
      expression: (expr) => {
        seal ||= expr.kind === 'call' && expr.schema === 'partywall'
      },
    })
    if (!reads || seal) continue
    yield {
      object: fn.label,
      message: `${fn.label} runs as ${facts.roleName(fn.owner)} and trusts the plain setting: injected SQL sets it to another tenant, and no seal is checked.`,
      evidence: [`reads ${facts.tenancy.context.setting}, not partywall.tenant_id()`],
      fix: `-- Read partywall.tenant_id() in it instead of the setting, or:\n${invokerSql(facts, fn)}`,
    }
  }
}
