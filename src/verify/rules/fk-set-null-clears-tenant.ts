import type { Column } from '../../catalog/model.ts'
import { peel } from '../../prove/rewrite.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { chosenSeverity, type FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { settingsOfDefault } from '../readings/default-settings.ts'
import { compositeForeignKeySql, type TenantForeignKey, tenantForeignKeys } from '../readings/foreign-keys.ts'

export const fkSetNullClearsTenant: Rule = {
  id: 'fk-set-null-clears-tenant',
  group: 'key',
  title: 'Deleting the parent clears the tenant of the row',
  severity: 'high',
  meaning:
    'ON DELETE SET NULL without a column list also clears the tenant column: the row then belongs to nobody, or to everybody. SET DEFAULT gives the row to the tenant of the column’s default.',
  remedy: 'Name the columns: ON DELETE SET NULL (parent_id).',
  *run(facts) {
    for (const key of tenantForeignKeys(facts)) {
      const tenant = key.table.column
      if (tenant === undefined || !key.columns.includes(tenant) || key.columns.length < 2) continue
      const actions = actionsOn(key, tenant)
      if (actions.length === 0) continue
      const becomes = actions.map((action) => newTenant(facts, action, tenant))
      yield {
        object: key.relation.label,
        detail: key.constraint.name,
        ...judged(key, tenant, becomes),
        evidence: [key.constraint.definition, ...(tenant.default === undefined ? [] : [`DEFAULT ${tenant.default}`])],
        fix: compositeForeignKeySql(key),
      }
    }
  },
}

type Action = 'set-null' | 'set-default'
/** What the tenant column holds after the action. */
type NewTenant = 'null' | 'session' | 'default'

/** The actions of the key that change the tenant column. */
function actionsOn({ references: { onDelete, onUpdate, setColumns } }: TenantForeignKey, tenant: Column): Action[] {
  const changes = (action: string): action is Action => action === 'set-null' || action === 'set-default'
  const onlyDelete = setColumns.length === 0 || setColumns.includes(tenant.number)
  return [...(onlyDelete ? [onDelete] : []), onUpdate].filter(changes)
}

function newTenant(facts: Facts, action: Action, tenant: Column): NewTenant {
  if (action === 'set-null' || tenant.default === undefined) return 'null'
  const parsed = facts.sql.expression(tenant.default)
  if (!parsed.ok) return 'default'
  const value = peel(parsed.value)
  if (value.kind === 'constant' && value.value === null) return 'null'
  const { own, foreign } = settingsOfDefault(facts, parsed.value)
  return own.length > 0 && foreign.length === 0 ? 'session' : 'default'
}

function judged(
  { constraint, relation }: TenantForeignKey,
  { name, notNull }: Column,
  becomes: readonly NewTenant[],
): Pick<FindingDraft, 'message' | 'severity'> {
  const key = `Foreign key ${constraint.name} of ${relation.label}`
  const event = 'when the parent is deleted or its key changes'
  if (becomes.includes('default'))
    return {
      message: `${key} sets ${name} to its default ${event}. If the other columns become NULL, no row of the parent table is needed: the row then belongs to the tenant of the default.`,
    }
  if (becomes.includes('null') && !notNull)
    return {
      message: `${key} clears ${name} too when the parent is deleted: the row loses its tenant.`,
    }
  if (becomes.includes('session'))
    return {
      ...chosenSeverity('medium', `The default of ${name} is the tenant of the session.`),
      message: `${key} sets ${name} to the tenant of the session ${event}. A session of another tenant, such as a job with more rights, moves the row to that tenant.`,
    }
  return {
    ...chosenSeverity('medium', `PostgreSQL refuses to clear ${name}, which is NOT NULL: no row loses its tenant.`),
    message: `${key} would clear ${name} too when the parent is deleted; it is NOT NULL, so a parent with such rows cannot be deleted.`,
  }
}
