import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { type Change, NOTHING, type Part } from '../change.ts'
import { doBlock, forFormat } from '../sql-text.ts'
import type { FoundLink, Target } from '../target.ts'

/** Blocks of a table that one batch fills: about ten thousand rows, which takes about a second. */
const BLOCKS_PER_BATCH = 256

/** Adds a tenant column to a child table that has none, and fills the column from the parent. */
export function childColumn(target: Target): Part {
  const { relation, column, link } = target
  if (link === undefined || relation.isPartition) return NOTHING
  const table = qualifiedName(relation)
  const name = quoteIdentifier(column.name)
  const add: Change = {
    phase: 'columns',
    object: relation.label,
    up: [`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${name} ${column.type};`],
    down: [`ALTER TABLE ${table} DROP COLUMN IF EXISTS ${name};`],
  }
  const fill: Change = {
    phase: 'backfill',
    object: relation.label,
    up: [batches(target, link, true)],
    upTogether: [batches(target, link, false)],
    down: [],
  }
  const finish: Change = { phase: 'protect', object: relation.label, up: [assertFilled(target, link)], down: [] }
  return { changes: [...(column.existing === undefined ? [add] : []), fill, finish], decisions: [] }
}

function batches(target: Target, link: FoundLink, commits: boolean): string {
  const table = qualifiedName(target.relation)
  const partitioned = target.relation.kind === 'partitioned-table'
  if (partitioned) return doBlock(`${guards(target, link)}\n  ${update(target, link, '')};`)
  const range = ' AND child.ctid >= partywall_low AND child.ctid < partywall_high'
  return doBlock(
    `${guards(target, link)}
  blocks := pg_catalog.pg_relation_size(${regclass(table)}) / current_setting('block_size')::bigint;
  WHILE at <= blocks LOOP
    partywall_low := format('(%s,0)', at)::tid;
    partywall_high := format('(%s,0)', at + ${BLOCKS_PER_BATCH})::tid;
    ${update(target, link, range)};${commits ? '\n    COMMIT;' : ''}
    at := at + ${BLOCKS_PER_BATCH};
  END LOOP;`,
    ['at bigint := 0;', 'blocks bigint;', 'partywall_low tid;', 'partywall_high tid;'],
  )
}

/** Under a lock on the table, fills the rows that were added since the batches, and then checks that each row has its parent's tenant. */
function assertFilled(target: Target, link: FoundLink): string {
  const table = qualifiedName(target.relation)
  const parent = qualifiedName(link.parent)
  const column = quoteIdentifier(target.column.name)
  return doBlock(
    `${guards(target, link)}
  SET CONSTRAINTS ALL IMMEDIATE;
  LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE;
  ${update(target, link, '')};
  SELECT count(*) INTO total FROM ${table};
  SELECT count(*) INTO matched FROM ${table} AS child JOIN ${parent} AS parent ON ${join(link)} WHERE child.${column} = parent.${column};
  IF matched <> total THEN
    RAISE EXCEPTION 'partywall: % of % rows of ${forFormat(target.relation.label)} do not have the tenant of their row in ${forFormat(link.parent.label)}', total - matched, total
      USING HINT = 'Give each a parent that has a tenant, or delete it; then run this again.';
  END IF;`,
    ['total bigint;', 'matched bigint;'],
  )
}

function guards(target: Target, link: FoundLink): string {
  const table = qualifiedName(target.relation)
  const seen = [table, qualifiedName(link.parent)]
  const blind = seen.map((name) => `pg_catalog.row_security_active(${regclass(name)})`).join(' OR ')
  return `  -- An earlier run has done this already. Row security may hide the rows now.
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${regclass(table)} AND attname = ${quoteLiteral(target.column.name)} AND attnotnull) THEN
    RETURN;
  END IF;
  IF ${blind} THEN
    RAISE EXCEPTION 'partywall: row security hides rows of ${forFormat(target.relation.label)} or ${forFormat(link.parent.label)} from role %, so a backfill would miss them', current_user
      USING HINT = 'Run this as a role with BYPASSRLS, or lift FORCE ROW LEVEL SECURITY from both tables while it runs.';
  END IF;`
}

function update(target: Target, link: FoundLink, range: string): string {
  const column = quoteIdentifier(target.column.name)
  return `UPDATE ${qualifiedName(target.relation)} AS child SET ${column} = parent.${column} FROM ${qualifiedName(link.parent)} AS parent WHERE child.${column} IS NULL AND ${join(link)}${range}`
}

function join(link: FoundLink): string {
  return link.columns
    .map((column, at) => `parent.${quoteIdentifier(link.parentColumns[at] ?? '')} = child.${quoteIdentifier(column)}`)
    .join(' AND ')
}

function regclass(table: string): string {
  return `${quoteLiteral(table)}::regclass`
}
