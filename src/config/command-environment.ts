import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import {
  CONNECTION_PARTS,
  type ConnectionPart,
  ENV_FILES,
  PART_PREFIXES,
  partVariables,
  URL_VARIABLES,
} from './connection-variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Variables of libpq that lead to another server than PGHOST, or to another password than PGPASSWORD.
 *
 * @see PostgreSQL manual, "Environment Variables" of libpq
 */
const REMOVED = ['PGHOSTADDR', 'PGSERVICE', 'PGSERVICEFILE', 'PGPASSFILE']
/** URLs that hosting platforms and Prisma use beside DATABASE_URL. */
const MORE_URLS = [
  'DIRECT_URL',
  'DATABASE_URL_UNPOOLED',
  'POSTGRES_PRISMA_URL',
  'POSTGRES_URL_NON_POOLING',
  'TYPEORM_URL',
]
/** Prisma empties its shadow database, so this database must stay another one. */
const KEPT = /SHADOW/i

/**
 * The environment of a migration command. Each variable from which the command may take its connection names the given database. Otherwise
 * a tool that reads DB_HOST would change the database that the project's `.env` names.
 *
 * These variables are set: the usual names ({@link URL_VARIABLES}, DB_HOST and others), and each variable of the environment and of the env
 * files that holds a URL of PostgreSQL, or that belongs to a set such as MY_HOST, MY_USER and MY_DATABASE. Tools that read env files, such
 * as dotenv, keep variables that are set already.
 *
 * @param inherited the environment that the command would inherit
 * @param files texts of the project's env files
 */
export function commandEnvironment(
  inherited: Environment,
  files: readonly string[],
  databaseUrl: string,
): Record<string, string | undefined> {
  const known: Environment = Object.assign({}, ...[...files].reverse().map((text) => parseEnv(text)), inherited)
  const url = new URL(databaseUrl)
  const values: Readonly<Record<ConnectionPart, string>> = {
    // A folder of sockets stands in the parameter `host`.
    host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname),
    port: url.port === '' ? '5432' : url.port,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  }
  const prefixes = [...PART_PREFIXES, ...ownPrefixes(known)]
  const parts = prefixes.flatMap((prefix) =>
    CONNECTION_PARTS.flatMap((part) => partVariables(prefix, part).map((name) => [name, values[part]] as const)),
  )
  const urls = [...URL_VARIABLES, ...MORE_URLS, ...Object.keys(known).filter((name) => isPostgresUrl(known[name]))]
  const jdbc = `jdbc:postgresql://${url.host}${url.pathname}${url.search}`
  const jdbcNames = Object.keys(known).filter((name) => known[name]?.startsWith('jdbc:postgresql:'))
  return {
    ...inherited,
    ...Object.fromEntries(REMOVED.map((name) => [name, undefined])),
    ...Object.fromEntries(parts),
    ...Object.fromEntries(['FLYWAY_URL', ...jdbcNames].map((name) => [name, jdbc])),
    FLYWAY_USER: values.user,
    FLYWAY_PASSWORD: values.password,
    ...Object.fromEntries(urls.filter((name) => !KEPT.test(name)).map((name) => [name, databaseUrl])),
  }
}

/** The texts of the project's env files. A file that can't be read is left out. */
export async function envFilesOf(folder: string): Promise<readonly string[]> {
  const names = [...ENV_FILES, '.env.test', '.env.production']
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')))
  return texts.filter((text) => text !== '')
}

function isPostgresUrl(value: string | undefined): boolean {
  return value !== undefined && /^postgres(?:ql)?:/i.test(value)
}

const OTHER_SERVERS = /REDIS|MYSQL|MARIADB|MONGO|MSSQL|ORACLE|SMTP|MAIL|RABBIT|KAFKA|ELASTIC|CLICKHOUSE|S3|FTP/i

/** Says more about a set than APP_NAME, which is mostly the name of the application. */
const NAMES_DATABASE = /(?:DB|DATABASE|PG|POSTGRES|SQL)_?$/i

/** Beginnings of the project's own variables, such as `MY_` of MY_HOST, MY_USER and MY_DATABASE: a database, and a host or a login. */
function ownPrefixes(known: Environment): readonly string[] {
  const names = new Set(Object.keys(known))
  const beginnings = [...names].flatMap((name) => /^(\w*?)(?:NAME|DATABASE|DB|DBNAME)$/i.exec(name)?.[1] ?? [])
  const has = (prefix: string, part: ConnectionPart) => partVariables(prefix, part).some((name) => names.has(name))
  return beginnings.filter(
    (prefix) =>
      prefix !== '' &&
      !OTHER_SERVERS.test(prefix) &&
      (NAMES_DATABASE.test(prefix) || ['DATABASE', 'DB', 'DBNAME'].some((ending) => names.has(`${prefix}${ending}`))) &&
      (has(prefix, 'host') || (has(prefix, 'user') && has(prefix, 'password'))),
  )
}
