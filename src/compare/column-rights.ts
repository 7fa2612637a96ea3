import type { Queryable } from '../catalog/model.ts'
import type { ActingRole } from '../tenancy/facts.ts'
import type { AccessRecord } from './access.ts'
import type { Difference } from './differences.ts'

/** Privileges on single columns, as JSON texts `["role", "schema.table", "verb", "column"]`. */
export type ColumnRights = ReadonlySet<string>

/** The columns that roles may read and write, from the catalog. A trial can't find them out, because its statements name only one column. */
export async function columnRights(db: Queryable, roles: readonly ActingRole[]): Promise<ColumnRights> {
  const { rows } = await db.query(
    `select json_build_array(r.rolname, n.nspname || '.' || c.relname, lower(v.verb), a.attname)::text as right
     from pg_catalog.pg_roles r, pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = c.oid, (values ('SELECT'), ('INSERT'), ('UPDATE')) v (verb)
     where r.oid = any ($1::oid[]) and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, v.verb)`,
    [roles.map(({ role }) => role.oid)],
  )
  return new Set(rows.map((row) => JSON.stringify(JSON.parse(String(row.right)))))
}

/**
 * Columns on which a role lost or gained a privilege, in tables in which the role reaches rows.
 *
 * @param isKnown whether the column existed before; new columns are neither loss nor gain
 */
export function columnDifferences(
  rights: { readonly before: ColumnRights; readonly after: ColumnRights },
  records: { readonly before: AccessRecord; readonly after: AccessRecord },
  isKnown: (object: string, column: string) => boolean,
): readonly Difference[] {
  const lost = [...rights.before].filter((right) => !rights.after.has(right))
  const won = [...rights.after].filter((right) => {
    const [, object, , column] = JSON.parse(right) as readonly string[]
    return !rights.before.has(right) && isKnown(object ?? '', column ?? '')
  })
  return [
    ...lost.flatMap((right) => difference('narrower', right, records.before)),
    ...won.flatMap((right) => difference('wider', right, records.after)),
  ]
}

function difference(kind: 'narrower' | 'wider', right: string, record: AccessRecord): readonly Difference[] {
  const reached = [...record.values()].find(
    ({ access, outcome }) =>
      outcome === 'done' && right.startsWith(JSON.stringify([access.role, access.object, access.verb]).slice(0, -1)),
  )
  if (reached === undefined) return []
  const [before, after] = kind === 'wider' ? (['refused', 'done'] as const) : (['done', 'refused'] as const)
  return [{ kind, access: reached.access, column: String(JSON.parse(right)[3]), before, after }]
}
