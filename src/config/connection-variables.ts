/** The parts of a connection to PostgreSQL that applications read from separate environment variables. */
export type ConnectionPart = 'host' | 'port' | 'user' | 'password' | 'database'

export const CONNECTION_PARTS: readonly ConnectionPart[] = ['host', 'port', 'user', 'password', 'database']

/** Usual beginnings of these variables, such as `DB_` of `DB_HOST`. `PG` gives the variables of libpq. */
export const PART_PREFIXES = ['DB_', 'DATABASE_', 'POSTGRES_', 'POSTGRESQL_', 'PG_', 'TYPEORM_', 'PG']

const ENDINGS: Readonly<Record<ConnectionPart, readonly string[]>> = {
  host: ['HOST', 'HOSTNAME', 'SERVER'],
  port: ['PORT'],
  user: ['USER', 'USERNAME'],
  password: ['PASSWORD', 'PASS'],
  database: ['NAME', 'DATABASE', 'DB', 'DBNAME'],
}

/** Usual variables that hold a whole URL. */
export const URL_VARIABLES = ['DATABASE_URL', 'POSTGRES_URL', 'PG_URL', 'DB_URL', 'POSTGRES_URI', 'DATABASE_URI']

/** Files with environment variables, the most important first. */
export const ENV_FILES = ['.env', '.env.local', '.env.development', '.env.development.local']

/** All names that a part may have, such as `DB_HOST`, by prefix. */
export function partVariables(prefix: string, part: ConnectionPart): readonly string[] {
  const names = ENDINGS[part].map((ending) => `${prefix}${ending}`)
  // Only the variable of the database may have just the prefix as its name, such as DB next to DB_HOST.
  return part === 'database' && prefix === 'DB_' ? [...names, 'DB'] : names
}
