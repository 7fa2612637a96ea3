import type { Queryable } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'

/** Rights of PUBLIC that the schema partywall takes away: TEMPORARY on the database, and CREATE on the schema public. */
export const PUBLIC_RIGHTS = ['TEMPORARY', 'CREATE'] as const
export type PublicRight = (typeof PUBLIC_RIGHTS)[number]

/** Returns which of these rights PUBLIC has now. */
export async function publicRights(client: Queryable): Promise<readonly PublicRight[]> {
  const { rows } = await client.query<{ right: string }>(`
    select a.privilege_type as right from pg_catalog.pg_database d,
           pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
      where d.datname = pg_catalog.current_database() and a.grantee = 0 and a.privilege_type = 'TEMPORARY'
    union
    select a.privilege_type from pg_catalog.pg_namespace n,
           pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
      where n.nspname = 'public' and a.grantee = 0 and a.privilege_type = 'CREATE'`)
  return PUBLIC_RIGHTS.filter((right) => rows.some((row) => row.right === right))
}

/** Gives these rights to PUBLIC again. */
export async function givePublicRights(client: Queryable, rights: readonly PublicRight[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select pg_catalog.current_database() as name')
  if (rights.includes('TEMPORARY'))
    await client.query(`grant temporary on database ${quoteIdentifier(rows[0]?.name ?? '')} to public`)
  if (rights.includes('CREATE')) await client.query('grant create on schema public to public')
}
