import { VERBS } from '../../catalog/verbs.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { someOf } from '../readings/role-paths.ts'
import { isSealed, sealSchema } from '../readings/seal-facts.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

export const settingForgeable: Rule = {
  id: 'setting-forgeable',
  group: 'context',
  ofProtect: 'always',
  title: 'The tenant is read from a setting that any SQL can set',
  severity: 'low',
  meaning: 'One injected set_config switches the tenant: a plain setting cannot be protected.',
  remedy: 'Seal the tenant: add a restrictive policy on partywall.tenant_id() beside the plain one.',
  *run(facts) {
    const open = [...facts.tenancy.tables.values()].filter(
      ({ kind, relation }) =>
        kind !== 'child' &&
        relation.rowSecurity &&
        !relation.isPartition &&
        VERBS.some((verb) =>
          facts.reach(relation, privilegeOf(verb)).some((role) => !isSealed(facts, relation, verb, role)),
        ),
    )
    if (open.length === 0) return
    yield {
      object: THIS_DATABASE,
      // Without a seal, the setting of every schema can be forged in this way, so the finding is only `info`.
      ...(sealSchema(facts) === undefined
        ? chosenSeverity(
            'info',
            'The database has no seal, and without one the setting of every schema can be forged like this.',
          )
        : {}),
      message: `Policies of ${open.length} ${open.length === 1 ? 'table trusts' : 'tables trust'} the plain setting ${facts.tenancy.context.setting}: injected SQL sets it to another tenant.`,
      evidence: [`unsealed: ${someOf(open.map(({ relation }) => relation.label))}`],
      fix: '-- partywall migrate --database-url URL\n-- partywall protect writes tenant_seal_policy for each table.',
    }
  },
}
