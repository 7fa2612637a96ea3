import type { DatabaseFunction } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import { type Change, NOTHING, type Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { contextText, dollarTag } from '../sql-text.ts'
import type { Target } from '../target.ts'

/**
 * Whether the table gets a guard trigger. A partition inherits the trigger of its parent, and a trigger can't assign a generated column.
 */
function isGuarded(target: Target): boolean {
  return (
    target.kind !== 'root' &&
    !target.relation.isPartition &&
    target.relation.kind !== 'foreign-table' &&
    target.column.existing?.generated === undefined
  )
}

/** Returns the changes that create the guard functions: one function for each schema and each name of a tenant column. */
export function guardFunctions(planning: Planning, targets: readonly Target[]): Part {
  const changes: Change[] = []
  const seen = new Set<string>()
  for (const target of targets) {
    const { schema } = target.relation
    const name = guardName(target)
    const key = JSON.stringify([schema, name])
    if (!isGuarded(target) || seen.has(key) || hasOwnGuard(planning, target)) continue
    seen.add(key)
    const existing = [...planning.catalog.functions.values()].find((fn) => fn.schema === schema && fn.name === name)
    const body = guardBody(planning, target)
    if (existing !== undefined && existing.source === body && pinsPath(existing)) continue
    const tag = dollarTag(body)
    const signature = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}()`
    changes.push({
      phase: 'protect',
      object: `schema ${schema}`,
      up: [
        `-- INSERT: fills a missing tenant, and refuses another tenant than the context's. UPDATE: refuses any change of the tenant.
-- Also acts for roles to which no policy applies. The assignment casts the context to the column's own type.
CREATE OR REPLACE FUNCTION ${signature} RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS ${tag}${body}${tag};`,
        `REVOKE EXECUTE ON FUNCTION ${signature} FROM PUBLIC;`,
      ],
      down:
        existing?.definition === undefined
          ? [`DROP FUNCTION IF EXISTS ${signature};`]
          : [`${existing.definition.trimEnd()};`],
    })
  }
  return { changes, decisions: [] }
}

/** Returns the change that creates the trigger that calls the guard function. */
export function guardTrigger(planning: Planning, target: Target): Part {
  if (!isGuarded(target) || hasOwnGuard(planning, target)) return NOTHING
  const { relation } = target
  const name = guardName(target)
  const fires = relation.triggers.some(
    (trigger) =>
      trigger.name === name &&
      trigger.enabled === 'always' &&
      isRowGuard(trigger) &&
      planning.catalog.functions.get(trigger.function)?.name === name,
  )
  if (fires) return NOTHING
  const table = qualifiedName(relation)
  const trigger = quoteIdentifier(name)
  const before = relation.triggers.find((each) => each.name === name)
  return {
    changes: [
      {
        phase: 'protect',
        object: relation.label,
        up: [
          `CREATE OR REPLACE TRIGGER ${trigger} BEFORE INSERT OR UPDATE ON ${table}
  FOR EACH ROW EXECUTE FUNCTION ${quoteIdentifier(relation.schema)}.${trigger}();`,
          `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${trigger};`,
        ],
        down: [
          `DROP TRIGGER IF EXISTS ${trigger} ON ${table};`,
          ...(before === undefined ? [] : [`${before.definition};`]),
        ],
      },
    ],
    decisions: [],
  }
}

/** The name of the guard function and of its triggers, such as `partywall_enforce_org_id`. */
export function guardName(target: Target): string {
  return objectName(['partywall_enforce', target.column.name])
}

function isRowGuard(trigger: Target['relation']['triggers'][number]): boolean {
  return (
    trigger.timing === 'before' &&
    trigger.forEachRow &&
    trigger.when === undefined &&
    trigger.updateColumns.length === 0 &&
    trigger.events.includes('insert') &&
    trigger.events.includes('update')
  )
}

/** Whether one of the user's own triggers does the work of the guard: it compares the old and the new tenant, and raises an error. */
function hasOwnGuard(planning: Planning, target: Target): boolean {
  const column = target.column.name
  const ours = guardName(target)
  return target.relation.triggers.some((trigger) => {
    const fn: DatabaseFunction | undefined = planning.catalog.functions.get(trigger.function)
    if (fn === undefined || trigger.name === ours || trigger.enabled !== 'always' || !isRowGuard(trigger)) return false
    const body = fn.source.toLowerCase()
    return (
      pinsPath(fn) &&
      body.includes(`new.${column}`) &&
      body.includes(`old.${column}`) &&
      body.includes('raise exception') &&
      body.includes(planning.setting.setting) &&
      (!planning.seal || body.includes('partywall.tenant_id()'))
    )
  })
}

function pinsPath(fn: DatabaseFunction): boolean {
  return fn.config.has('search_path')
}

function guardBody(planning: Planning, target: Target): string {
  const column = quoteIdentifier(target.column.name)
  const sealed = planning.seal
    ? `
  IF current_setting('app.tenant_seal', true) <> '' THEN
    context := coalesce((SELECT t.tenant_id FROM partywall.ticket AS t), partywall.tenant_id());
  END IF;`
    : ''
  return `
DECLARE
  given record := NEW;
  context text := ${contextText(planning.setting)};
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.${column} IS DISTINCT FROM OLD.${column} THEN
      RAISE EXCEPTION 'partywall: a row never changes its tenant' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
  END IF;${sealed}
  IF context IS NOT NULL THEN
    NEW.${column} := context;
    IF given.${column} IS NOT NULL AND given.${column} <> NEW.${column} THEN
      RAISE EXCEPTION 'partywall: the row names another tenant than the context' USING ERRCODE = '42501';
    END IF;
  END IF;
  RETURN NEW;
END
`
}
