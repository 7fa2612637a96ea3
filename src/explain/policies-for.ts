import type pg from 'pg'
import type { Relation } from '../catalog/model.ts'
import type { RowQuestion } from './explanation.ts'

/** A policy that applies, as PostgreSQL prints it. */
export interface ApplyingPolicy {
  readonly name: string
  readonly permissive: boolean
  /** `USING`; null where the policy has none. */
  readonly expression: string | null
}

const LETTERS = { SELECT: 'r', UPDATE: 'w', DELETE: 'd' } as const

/**
 * The policies of one verb that PostgreSQL applies to a role.
 *
 * PostgreSQL also applies the policies of SELECT to an UPDATE or DELETE whose WHERE reads columns. The caller asks for these separately.
 *
 * @see PostgreSQL CREATE POLICY, "Policies Applied by Command Type"
 */
export async function policiesFor(
  client: pg.Client,
  relation: Relation,
  role: string,
  verb: RowQuestion['verb'],
): Promise<readonly ApplyingPolicy[]> {
  // With an empty path, pg_get_expr() prints all names with their schema, so that the text means the same in another path.
  await client.query("set local search_path = ''")
  const { rows } = await client.query<ApplyingPolicy>(
    `select p.polname::text as name, p.polpermissive as permissive,
            pg_catalog.pg_get_expr(p.polqual, p.polrelid) as expression
       from pg_catalog.pg_policy p
      where p.polrelid = $1::pg_catalog.oid
        and p.polcmd::text = any ($2)
        and exists (select from pg_catalog.unnest(p.polroles) as r (oid)
                     where r.oid = 0 or pg_catalog.pg_has_role($3, r.oid, 'USAGE'))
      order by p.polpermissive desc, p.polname`,
    [relation.oid, ['*', LETTERS[verb]], role],
  )
  return rows
}
