import type { Grant, Membership, Oid, Queryable, Role, StoredSetting } from './model.ts'

/** Rows of aclexplode, grouped by the object they belong to. */
export interface GrantRow extends Record<string, unknown> {
  readonly object: Oid
  readonly part: number
  readonly grantee: Oid
  readonly privilege: string
  readonly grantable: boolean
}

/** Collects the grants of each object; `part` is a column number, 0 for the object itself. */
export function groupGrants(rows: readonly GrantRow[]): (object: Oid, part?: number) => readonly Grant[] {
  const byObject = new Map<string, Grant[]>()
  for (const row of rows) {
    const key = `${row.object}/${row.part}`
    const list = byObject.get(key) ?? []
    list.push(Object.freeze({ grantee: row.grantee, privilege: row.privilege, grantable: row.grantable }))
    byObject.set(key, list)
  }
  return (object, part = 0) => byObject.get(`${object}/${part}`) ?? []
}

export async function readRoles(db: Queryable): Promise<ReadonlyMap<Oid, Role>> {
  const { rows } = await db.query<Role & Record<string, unknown>>(`
    select oid::int8::float8 as oid, rolname::text as name, rolsuper as superuser, rolinherit as inherit, rolcreaterole as "createRole",
           rolcreatedb as "createDatabase", rolcanlogin as login, rolreplication as replication, rolbypassrls as "bypassRls"
    from pg_catalog.pg_roles order by rolname`)
  return new Map(rows.map((row) => [row.oid, Object.freeze(row)]))
}

export async function readMemberships(db: Queryable, version: number): Promise<readonly Membership[]> {
  // Since PostgreSQL 16 several grantors can grant the same membership. The options are combined by OR, as in the server.
  const options =
    version >= 160000
      ? 'bool_or(m.inherit_option) as inherit, bool_or(m.set_option) as set'
      : 'bool_or(r.rolinherit) as inherit, true as set'
  const { rows } = await db.query<Membership & Record<string, unknown>>(`
    select m.roleid::int8::float8 as role, m.member::int8::float8 as member, bool_or(m.admin_option) as admin, ${options}
    from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.member
    group by m.roleid, m.member order by 1, 2`)
  return rows.map((row) => Object.freeze(row))
}

export async function readStoredSettings(db: Queryable): Promise<readonly StoredSetting[]> {
  const { rows } = await db.query<{ role: Oid; database: Oid; entry: string }>(`
    select s.setrole::int8::float8 as role, s.setdatabase::int8::float8 as database, e.entry
    from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) as e(entry)
    where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    order by 1, 2, 3`)
  return rows.map(({ role, database, entry }) => Object.freeze({ role, database, ...splitEntry(entry) }))
}

export async function readParameterGrants(
  db: Queryable,
): Promise<readonly { parameter: string; grants: readonly Grant[] }[]> {
  const { rows } = await db.query<GrantRow & { parameter: string }>(`
    select p.oid::int8::float8 as object, 0 as part, p.parname as parameter, a.grantee::int8::float8 as grantee, a.privilege_type as privilege,
           a.is_grantable as grantable
    from pg_catalog.pg_parameter_acl p, pg_catalog.aclexplode(p.paracl) a order by 1, 4, 5`)
  const grants = groupGrants(rows)
  const names = new Map(rows.map((row) => [row.object, row.parameter]))
  return [...names].map(([oid, parameter]) => ({ parameter, grants: grants(oid) }))
}

/** Splits `name=value` of proconfig, setconfig and reloptions. */
export function splitEntry(entry: string): { name: string; value: string } {
  const at = entry.indexOf('=')
  return { name: entry.slice(0, at), value: entry.slice(at + 1) }
}
