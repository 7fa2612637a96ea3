import type { Constraint, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Change, Decision, Part } from '../change.ts'
import { compositeName, crossingCheck } from '../crossing/crossing-check.ts'
import type { Planning } from '../input.ts'
import { commentLine, doBlock, forFormat } from '../sql-text.ts'
import type { Target } from '../target.ts'
import { uniqueOn, uniqueStatement } from './unique-on.ts'

/**
 * Adds the tenant to foreign keys between tenant tables. The composite key is added NOT VALID, then validated. The phase `protect` then
 * drops the user's key.
 */
export function foreignKeys(planning: Planning, target: Target): Part {
  const changes: Change[] = []
  const decisions: Decision[] = []
  if (target.kind === 'root' || target.relation.isPartition) return { changes, decisions }
  for (const constraint of target.relation.constraints) {
    const part = foreignKey(planning, target, constraint)
    changes.push(...part.changes)
    decisions.push(...part.decisions)
  }
  return { changes, decisions }
}

function foreignKey(planning: Planning, target: Target, constraint: Constraint): Part {
  const nothing: Part = { changes: [], decisions: [] }
  const { references } = constraint
  if (references === undefined || constraint.parent !== 0) return nothing
  const parent = planning.targetOf(references.relation)
  if (parent === undefined || parent.kind === 'root' || carriesTenant(target, parent, constraint)) return nothing
  const key = { target, parent, constraint, references }
  // The key refers to the parent's tenant column, but by another column than this row's tenant column.
  if (columnNames(parent.relation, references.columns).includes(parent.column.name))
    return {
      changes: [],
      decisions: [
        {
          object: target.relation.label,
          reason: `foreign key ${constraint.name} refers to the tenant of ${parent.relation.label} by another column than ${target.column.name}, so a row can refer to another tenant's row. Which of the two is the row's tenant?`,
        },
      ],
    }
  const name = compositeName(constraint)
  const composite = compositeSql(key)
  if (target.relation.constraints.some((each) => each.name === name)) {
    // The composite key exists from an interrupted run: only the old key must still be dropped.
    return { changes: finish(planning, key, name), decisions: [] }
  }
  const theirs = columnNames(parent.relation, references.columns)
  // A foreign key can only refer to a unique key. For partitioned tables a person must choose this key.
  const unique = parent.relation.kind === 'partitioned-table' ? undefined : uniqueStatement(parent, theirs)
  const decide = (reason: string): Part => ({
    changes: [],
    decisions: [
      {
        object: target.relation.label,
        reason: `foreign key ${constraint.name} leaves out the tenant, so a row can refer to another tenant's row. ${reason}`,
        sql: `${unique === undefined ? '' : `${unique}\n`}ALTER TABLE ${qualifiedName(target.relation)} DROP CONSTRAINT ${quoteIdentifier(constraint.name)},\n  ADD CONSTRAINT ${quoteIdentifier(constraint.name)} ${composite};`,
      },
    ],
  })
  const { relation } = parent
  if (relation.kind === 'partitioned-table' || target.relation.kind === 'partitioned-table')
    return decide('One of the two tables is partitioned: a unique key there must name the partition key too.')
  if (references.match === 'full' && constraint.columns.length > 1)
    return decide('It is MATCH FULL: with the tenant, which is never NULL, no column may be NULL any more.')
  if (references.onUpdate.startsWith('set-'))
    return decide('ON UPDATE SET NULL or SET DEFAULT would clear the tenant too.')
  if (parent.column.type !== target.column.type)
    return decide(`The tenant is ${target.column.type} here and ${parent.column.type} in ${relation.label}.`)
  if (planning.sharesRows(relation))
    return decide(
      parent.column.existing?.notNull === true
        ? `The policies of ${relation.label} show some of its rows to all tenants, and rows of other tenants could no longer refer to these.`
        : `Rows of ${relation.label} may belong to no tenant, and could not be referred to.`,
    )
  if (target.hasOrphans) return decide('Rows here without a tenant would not be checked.')
  if (parent.hasOrphans)
    return decide(
      `Some rows of ${relation.label} have no tenant, and the new key refuses rows that refer to them. If rows of ${target.relation.label} refer to such rows, give the rows of ${relation.label} a tenant first.`,
    )
  const table = qualifiedName(target.relation)
  const quoted = quoteIdentifier(name)
  const add: Change = {
    phase: 'keys',
    object: target.relation.label,
    up: [
      doBlock(`  IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = ${quoteLiteral(table)}::regclass AND conname = ${quoteLiteral(name)}) THEN
    ALTER TABLE ${table} ADD CONSTRAINT ${quoted} ${composite} NOT VALID;
  END IF;`),
    ],
    down: [`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoted};`],
  }
  return { changes: [...uniqueOn(parent, theirs), add, ...finish(planning, key, name)], decisions: [] }
}

interface Key {
  readonly target: Target
  readonly parent: Target
  readonly constraint: Constraint
  readonly references: NonNullable<Constraint['references']>
}

/** Validates the composite key, then drops the key that it replaces. */
function finish(planning: Planning, { target, parent, constraint }: Key, name: string): readonly Change[] {
  const table = qualifiedName(target.relation)
  const old = quoteIdentifier(constraint.name)
  const regclass = (relation: Relation) => `${quoteLiteral(qualifiedName(relation))}::regclass`
  const check = crossingCheck(planning, target, constraint)
  const hint = `Correct or delete them, then run this again.${check === undefined ? '' : ` This query lists them: ${check.listSql}`}`
  const there = (which: string) =>
    `SELECT FROM pg_catalog.pg_constraint WHERE conrelid = ${regclass(target.relation)} AND conname = ${quoteLiteral(which)}`
  return [
    {
      phase: 'validate',
      object: target.relation.label,
      up: [
        doBlock(`  IF EXISTS (${there(name)} AND NOT convalidated) THEN
    -- The server checks by a query as this role: rows that row security hides would pass unseen.
    IF pg_catalog.row_security_active(${regclass(target.relation)}) OR pg_catalog.row_security_active(${regclass(parent.relation)}) THEN
      RAISE EXCEPTION 'partywall: row security hides rows from role %, so a foreign key can not be checked', current_user
        USING HINT = 'Run this as a role with BYPASSRLS, or lift FORCE ROW LEVEL SECURITY from both tables while it runs.';
    END IF;
    BEGIN
      ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteIdentifier(name)};
    EXCEPTION WHEN foreign_key_violation THEN
      RAISE EXCEPTION 'partywall: rows of ${forFormat(target.relation.label)} refer to a row of ${forFormat(parent.relation.label)} that belongs to another tenant, or to none: %', SQLERRM
        USING ERRCODE = '23503', HINT = ${quoteLiteral(hint)};
    END;
  END IF;`),
      ],
      down: [],
    },
    {
      phase: 'protect',
      object: target.relation.label,
      up: [
        `${commentLine(`${name} checks the same columns and the tenant.`)}\nALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${old};`,
      ],
      down: [
        doBlock(`  IF NOT EXISTS (${there(constraint.name)}) THEN
    ALTER TABLE ${table} ADD CONSTRAINT ${old} ${constraint.definition};
  END IF;`),
      ],
    },
  ]
}

function compositeSql({ target, parent, constraint, references }: Key): string {
  const columns = columnNames(target.relation, constraint.columns)
  const theirs = columnNames(parent.relation, references.columns)
  const list = (names: readonly string[]) => names.map(quoteIdentifier).join(', ')
  const setColumns = references.setColumns.length === 0 ? columns : columnNames(target.relation, references.setColumns)
  const onDelete =
    references.onDelete === 'no-action'
      ? ''
      : ` ON DELETE ${references.onDelete.replace('-', ' ').toUpperCase()}${references.onDelete.startsWith('set-') ? ` (${list(setColumns)})` : ''}`
  const onUpdate = references.onUpdate === 'no-action' ? '' : ` ON UPDATE ${references.onUpdate.toUpperCase()}`
  const deferrable = /\bDEFERRABLE( INITIALLY DEFERRED)?/.exec(constraint.definition)?.[0]
  return `FOREIGN KEY (${list([target.column.name, ...columns])}) REFERENCES ${qualifiedName(parent.relation)} (${list([parent.column.name, ...theirs])})${onUpdate}${onDelete}${deferrable === undefined ? '' : ` ${deferrable}`}`
}

function carriesTenant(target: Target, parent: Target, constraint: Constraint): boolean {
  const own = columnNames(target.relation, constraint.columns)
  const theirs = columnNames(parent.relation, constraint.references?.columns ?? [])
  return own.some((name, at) => name === target.column.name && theirs[at] === parent.column.name)
}

function columnNames(relation: Relation, numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => relation.columns.find((column) => column.number === number)?.name ?? '')
}
