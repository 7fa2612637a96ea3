import type { Relation } from './model.ts'

/** Tables in which migration tools record applied migrations. They belong to no tenant, and the application does not read them. */
const NAMES: ReadonlySet<string> = new Set([
  '__drizzle_migrations',
  '__EFMigrationsHistory',
  '_prisma_migrations',
  '_sqlx_migrations',
  'alembic_version',
  'ar_internal_metadata',
  'atlas_schema_revisions',
  'databasechangelog',
  'databasechangeloglock',
  'django_migrations',
  'flyway_schema_history',
  'goose_db_version',
  'knex_migrations',
  'knex_migrations_lock',
  'kysely_migration',
  'kysely_migration_lock',
  'mikro_orm_migrations',
  'pgmigrations',
  'schema_migrations',
  'schema_migrations_history',
  'schema_version',
  'SequelizeData',
  'SequelizeMeta',
  'typeorm_metadata',
])
const SCHEMAS: ReadonlySet<string> = new Set(['drizzle', 'graphile_migrate', 'supabase_migrations', 'sqitch'])

export function isBookkeeping({ name, schema, columns }: Relation): boolean {
  if (NAMES.has(name) || SCHEMAS.has(schema)) return true
  // The name of TypeORM's table can be configured; `migrations` is the default.
  const own = columns.map((column) => column.name).sort()
  return /^(?:typeorm_)?migrations?$/.test(name) && own.join() === 'id,name,timestamp'
}
