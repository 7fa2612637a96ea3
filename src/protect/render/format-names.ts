/** The migration tools for which `protect` writes files. */
export const MIGRATION_FORMATS = ['sql', 'prisma', 'drizzle', 'knex', 'flyway'] as const
export type MigrationFormat = (typeof MIGRATION_FORMATS)[number]
