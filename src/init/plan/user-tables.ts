import type { Queryable } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Project } from '../detection/project.ts'

/** Names of the tables in which migration tools note what they ran. PostgreSQL and JavaScript read this expression alike. */
export const JOURNAL =
  /^(_prisma_migrations|schema_migrations|pgmigrations|migrations|typeorm_.*|knex_migrations.*|flyway_schema_history|__drizzle_migrations|SequelizeMeta|SequelizeData)$/

/** The application's tables and the rights that its login will have on them. */
export async function userTables(
  client: Queryable,
  { migrations }: Project,
): Promise<readonly { readonly schema: string; readonly name: string; readonly rights: string }[]> {
  const { rows } = await client.query<{ schema: string; table: string }>(
    `select n.nspname as schema, c.relname as table from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$|partywall$|drizzle$)'
        and c.relname !~ '${JOURNAL.source}'
        and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
      order by 1, 2`,
  )
  if (rows.length === 0)
    throw new ConfigurationError(
      `The database has no tables yet. Run your migrations first${migrations.command === undefined ? '' : ` (${migrations.command})`}, then partywall init again.`,
    )
  return rows.map(({ schema, table }) => ({
    schema,
    name: qualifiedName({ schema, name: table }),
    rights: 'select, insert, update, delete',
  }))
}
