import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { SEAL_TABLES, SUSPENDING_FUNCTIONS } from '../../seal/seal-objects.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeExecute } from '../readings/definer-code.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'
import { keyTable } from '../readings/seal-facts.ts'

export const sealKeyReadable: Rule = {
  id: 'seal-key-readable',
  group: 'context',
  title: 'The key of the seal can be read, or the seal’s tables written',
  severity: 'critical',
  meaning:
    'Anyone who has the key can create a valid seal for any tenant. So can anyone who adds a key or a ticket of their own.',
  remedy:
    'Revoke all rights on the tables of the seal and on copies of the keys, keep the keys out of publications, and add a new key.',
  *run(facts) {
    const keys = keyTable(facts)
    if (keys === undefined) return
    for (const relation of facts.catalog.relations.values()) {
      const names = relation.columns.map((column) => column.name)
      const copy = relation.oid === keys.oid || (names.includes('inner_pad') && names.includes('outer_pad'))
      const reads = relation.readsRelations.includes(keys.oid)
      if ((!copy && !reads) || facts.reach(relation, 'SELECT').length === 0) continue
      const grantees = relationGrantees(facts, relation, 'SELECT')
      yield {
        object: relation.label,
        message: `The app may read ${relation.label}${relation.oid === keys.oid ? '' : ', which holds the keys of the seal'}: it can then seal any tenant's context.`,
        evidence: [
          grantees.length > 0
            ? `SELECT granted to ${granteeList(facts, grantees)}`
            : `in reach of ${facts
                .reach(relation, 'SELECT')
                .map((role) => role.role.name)
                .join(', ')}`,
        ],
        fix:
          grantees.length > 0
            ? `REVOKE ALL ON ${qualifiedName(relation)} FROM ${granteeList(facts, grantees)};\n-- Then add a new key: partywall migrate --rotate with a new secret.`
            : `-- Take ${qualifiedName(relation)} out of the app's reach, then add a new key: partywall migrate --rotate with a new secret.`,
      }
    }
    yield* writableSeal(facts)
    for (const publication of facts.catalog.publications) {
      const listed =
        publication.allTables ||
        publication.schemas.includes(keys.schemaOid) ||
        publication.tables.some((table) => table.relation === keys.oid)
      if (!listed) continue
      yield {
        object: `publication ${publication.name}`,
        message: `Publication ${publication.name} sends the keys of the seal to its subscribers.`,
        evidence: [publication.allTables ? 'FOR ALL TABLES' : keys.label],
        fix: publication.tables.some((table) => table.relation === keys.oid)
          ? `DO $$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_publication_tables WHERE pubname = ${quoteLiteral(publication.name)} AND schemaname = ${quoteLiteral(keys.schema)} AND tablename = ${quoteLiteral(keys.name)}) THEN ALTER PUBLICATION ${quoteIdentifier(publication.name)} DROP TABLE ${qualifiedName(keys)}; END IF; END $$;`
          : `-- Name the tables: a publication FOR ALL TABLES or of schema partywall can't leave one out.\nDROP PUBLICATION IF EXISTS ${quoteIdentifier(publication.name)};`,
      }
    }
  },
}

const WRITES = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const

/**
 * The tables that decide which seals are valid, their children, and the functions that suspend a tenant, if the application may write or
 * call them.
 */
function* writableSeal(facts: Facts) {
  const tables = SEAL_TABLES.flatMap((name) => facts.relationNamed('partywall', name) ?? [])
  for (const relation of new Set(tables.flatMap((table) => withChildren(facts, table)))) {
    const written = WRITES.filter((privilege) => facts.reach(relation, privilege).length > 0)
    if (written.length === 0) continue
    const roles = new Set(written.flatMap((privilege) => facts.reach(relation, privilege).map(({ role }) => role.name)))
    yield {
      object: relation.label,
      message: `The app may write ${relation.label}, which decides which seals are valid: it can then work as any tenant, or lock tenants out.`,
      evidence: [`${written.join(', ')} in reach of ${[...roles].join(', ')}`],
      fix: `REVOKE ALL ON ${qualifiedName(relation)} FROM ${['PUBLIC', ...[...roles].map(quoteIdentifier)].join(', ')};`,
    }
  }
  for (const fn of SUSPENDING_FUNCTIONS.flatMap((name) => facts.functionsNamed('partywall', name))) {
    if (facts.executors(fn).length === 0) continue
    yield {
      object: fn.label,
      message: `The app may call ${fn.label}: a suspended tenant can reactivate itself, and one tenant can lock another out.`,
      evidence: [
        `callable by ${facts
          .executors(fn)
          .map(({ role }) => role.name)
          .join(', ')}`,
      ],
      fix: revokeExecute(facts, fn),
    }
  }
}

function withChildren(facts: Facts, relation: Relation): readonly Relation[] {
  return [
    relation,
    ...relation.children.flatMap((oid) => {
      const child = facts.relationOf(oid)
      return child === undefined ? [] : withChildren(facts, child)
    }),
  ]
}
