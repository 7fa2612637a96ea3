import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import { walkBody } from '../../sql/walk.ts'
import { stemOf, tenantNameWeight } from '../../tenancy/discovery/tenant-names.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'
import { copiedFrom } from '../readings/shadow-copies.ts'

export const untenantedPayload: Rule = {
  id: 'untenanted-payload',
  group: 'rls',
  title: 'Tenant data in a table without a tenant',
  severity: 'high',
  meaning: 'An outbox, job queue, audit or cache table holds what tenants wrote, and every tenant can read it.',
  remedy: 'Add a tenant column with a policy, or revoke SELECT from the application.',
  *run(facts) {
    const writtenBy = triggerTargets(facts)
    for (const relation of facts.relations) {
      if (!isTable(relation) || relation.isPartition || facts.tenantTable(relation) !== undefined) continue
      const readers = facts.reach(relation, 'SELECT').filter((role) => !facts.protectedFor(relation, role))
      if (readers.length === 0 || copiedFrom(facts, relation) !== undefined) continue
      const payload = relation.columns.filter(isPayload)
      const trigger = writtenBy.get(relation.oid)
      const alias = relation.columns.find((column) => isTenantAlias(facts, column))
      const queue = QUEUE_NAME.test(relation.name) && facts.reach(relation, 'INSERT').length > 0
      if (alias === undefined && (payload.length === 0 || (trigger === undefined && !queue))) continue
      const why =
        trigger !== undefined
          ? `trigger function ${trigger} writes rows of tenant tables into it`
          : alias !== undefined
            ? `column ${alias.name} holds tenants`
            : `the app writes and reads ${payload.map((column) => column.name).join(', ')}`
      const roles = readers.map((role) => role.role.name)
      yield {
        object: relation.label,
        message: `${relation.label} has no tenant column and no row-level security, but holds tenant data: every tenant can read the rows that all tenants wrote.`,
        evidence: [why],
        verbs: ['select'],
        ...(trigger === undefined && alias === undefined ? { suspected: true } : {}),
        fix: `REVOKE SELECT ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, roles, ['SELECT'])};\n-- Or add a tenant column with a policy, where the app must read it.`,
      }
    }
  },
}

// Names of tables that record actions of tenants (events, jobs, messages), and not data of the product such as a price list.
const QUEUE_NAME =
  /(^|_)(outbox|inbox|jobs?|queue|audit|events?|logs?|webhooks?|deliver(y|ies)|cache|search_?index|messages?|notifications?|history|activit(y|ies)|exports?|uploads?|attachments?|emails?|documents?)(_|$)/i

function isPayload(column: Column): boolean {
  return /^(json|jsonb|text|bytea|xml|hstore|tsvector)$/.test(column.baseType)
}

/** Whether a column names the tenant under another name: same stem as the tenant column, or a word for customers, of the same type. */
function isTenantAlias(facts: Facts, column: Column): boolean {
  const type =
    facts.tenancy.root?.key.baseType ??
    [...facts.tenancy.tables.values()].find((table) => table.kind === 'tenant')?.column?.baseType
  const stems = new Set(facts.tenancy.columnNames.map(stemOf))
  const sameName = stems.has(stemOf(column.name)) || tenantNameWeight(column.name) === 2
  const textual = /^(text|character varying|citext)$/.test(column.baseType)
  return (
    sameName &&
    /(id|uuid|key|ref)$|^[a-z]+$/i.test(column.name) &&
    (column.baseType === type || (textual && stems.has(stemOf(column.name))))
  )
}

/** Tables that trigger functions of tenant tables insert into, with the function's name. */
function triggerTargets(facts: Facts): ReadonlyMap<number, string> {
  const targets = new Map<number, string>()
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const trigger of relation.triggers) {
      const fn = facts.catalog.functions.get(trigger.function)
      if (fn === undefined || trigger.enabled === 'disabled') continue
      walkBody(facts.sql.body(fn), {
        query: (query) => {
          if (query.kind !== 'insert' || query.target === undefined) return
          const target: Relation | undefined = facts.relationNamed(query.target.schema, query.target.name)
          if (target !== undefined) targets.set(target.oid, fn.label)
        },
      })
    }
  }
  return targets
}
