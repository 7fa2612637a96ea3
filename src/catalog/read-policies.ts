import { LEFT_OUT } from './left-out-schemas.ts'
import type { Oid, Policy, PolicyCommand, Queryable } from './model.ts'
import type { Dependencies } from './read-dependencies.ts'

const COMMANDS: Readonly<Record<string, PolicyCommand>> = {
  '*': 'all',
  r: 'select',
  a: 'insert',
  w: 'update',
  d: 'delete',
}

interface PolicyRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly permissive: boolean
  readonly command: string
  readonly roles: readonly number[]
  readonly using_text: string | null
  readonly check_text: string | null
}

export async function readPolicies(db: Queryable, dependencies: Dependencies): Promise<readonly Policy[]> {
  const { rows } = await db.query<PolicyRow>(`
    select p.oid::int8::float8 as oid, p.polname::text as name, p.polrelid::int8::float8 as relation, p.polpermissive as permissive,
           p.polcmd::text as command, p.polroles::int8[]::float8[] as roles,
           pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using_text, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check_text
    from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
    where c.relnamespace not in ${LEFT_OUT} order by p.polrelid, p.polname`)
  return rows.map((row) =>
    Object.freeze({
      oid: row.oid,
      name: row.name,
      relation: row.relation,
      permissive: row.permissive,
      command: COMMANDS[row.command] ?? 'all',
      roles: row.roles,
      using: row.using_text ?? undefined,
      check: row.check_text ?? undefined,
      functions: dependencies.of('pg_policy', row.oid, 'pg_proc'),
      relations: dependencies.of('pg_policy', row.oid, 'pg_class').filter((oid) => oid !== row.relation),
    }),
  )
}
