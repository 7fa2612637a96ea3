import { draftsOf } from '../finding/drafts.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { sealSchema } from '../readings/seal-facts.ts'
import { onThisDatabase, THIS_DATABASE } from '../readings/this-database.ts'
import { secdefSearchPath } from './secdef-search-path.ts'

export const grantTemporary: Rule = {
  id: 'grant-temporary',
  group: 'context',
  ofProtect: 'always',
  title: 'The application may create temporary objects',
  severity: 'high',
  meaning:
    'On a pooled connection a temporary table with the name of a tenant table catches the rows that the next tenant writes, because its name is found first.',
  remedy: 'Revoke TEMPORARY on the database; PUBLIC has it by default.',
  *run(facts) {
    const { database } = facts.catalog
    const grantees = usableGrantees(facts, database.grants, 'TEMPORARY', database.owner)
    if (grantees.length === 0) return
    const list = granteeList(facts, grantees)
    const shadowed = draftsOf(secdefSearchPath, facts).map(({ object }) => object)
    yield {
      object: THIS_DATABASE,
      // In a sealed schema, injected SQL can't set another tenant, but temporary objects are another way to reach other tenants' rows.
      // Without a seal, injected SQL can simply set the tenant, so temporary objects add little. If a function looks names up in pg_temp,
      // temporary objects also give the rights of the function's owner.
      ...(sealSchema(facts) === undefined && shadowed.length === 0
        ? chosenSeverity(
            'low',
            'Contexts are not sealed in this database: injected SQL can name another tenant without temporary objects.',
          )
        : {}),
      message: `The app may create temporary tables and types in ${database.name}: on a pooled connection they stay for the next tenant, and PostgreSQL finds their names first.`,
      evidence: [
        `TEMPORARY granted to ${list}`,
        ...(shadowed.length === 0
          ? []
          : [
              `temporary objects may also run code as the owners of these functions (secdef-search-path): ${shadowed.join(', ')}`,
            ]),
      ],
      fix: onThisDatabase(`REVOKE TEMPORARY ON DATABASE %I FROM ${list}`),
    }
  },
}
