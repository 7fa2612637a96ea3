import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { isGenuineRegistration } from '../../prove/genuine.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { keyTable } from '../readings/seal-facts.ts'

export const sealOracle: Rule = {
  id: 'seal-oracle',
  group: 'context',
  title: 'A function that the application may call uses the key of the seal',
  severity: 'critical',
  meaning:
    'A function that signs its argument with the key, or returns the key, creates seals for anyone who calls it.',
  remedy: 'Revoke EXECUTE: the application creates seals, the database only checks them.',
  *run(facts) {
    const keys = keyTable(facts)
    if (keys === undefined) return
    for (const fn of facts.catalog.functions.values()) {
      if (!fn.securityDefiner || facts.executors(fn).length === 0 || !readsKeys(facts, fn, keys)) continue
      // partywall's own functions verify the seal. They take no argument, so the caller can't let them sign anything.
      if (fn.schema === 'partywall' && fn.arguments.every((argument) => argument.mode === 'out')) continue
      if (isGenuineRegistration(fn, facts)) continue
      const grantees = usableGrantees(facts, fn.grants, 'EXECUTE', fn.owner)
      yield {
        object: fn.label,
        message: `The app may call ${fn.label}, which runs as ${facts.roleName(fn.owner)} and reads the keys of the seal.`,
        evidence: [`reads ${keys.label}`, `EXECUTE granted to ${granteeList(facts, grantees)}`],
        fix: `REVOKE EXECUTE ON ROUTINE ${fn.signature} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}

function readsKeys(facts: Facts, fn: DatabaseFunction, keys: Relation): boolean {
  if (fn.readsRelations.includes(keys.oid)) return true
  const body = facts.sql.body(fn)
  // For dynamic SQL and languages that can't be read, the table's name in the source text is enough.
  let reads = (body.kind === 'unreadable' || /execute/i.test(fn.source)) && fn.source.includes(keys.name)
  walkBody(body, {
    table: (table) => {
      reads ||= table.name === keys.name && (table.schema === undefined || table.schema === keys.schema)
    },
  })
  return reads
}
