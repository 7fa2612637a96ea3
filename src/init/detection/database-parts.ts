/** The variables that together name a database, as an application reads them. A part without a variable has its default. */
export interface DatabaseParts {
  readonly host?: string
  readonly port?: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
}

type Part = keyof DatabaseParts

const PREFIXES = ['DB_', 'DATABASE_', 'POSTGRES_', 'POSTGRESQL_', 'PG_', 'TYPEORM_', 'PG']
const ENDINGS: Readonly<Record<Part, readonly string[]>> = {
  host: ['HOST', 'HOSTNAME', 'SERVER'],
  port: ['PORT'],
  user: ['USER', 'USERNAME'],
  password: ['PASSWORD', 'PASS'],
  database: ['NAME', 'DATABASE', 'DB', 'DBNAME'],
}
const ALL: readonly Part[] = ['host', 'port', 'user', 'password', 'database']

/** All names that a part may have, such as `DB_HOST`, by prefix. */
function namesOf(prefix: string, part: Part): readonly string[] {
  const names = ENDINGS[part].map((ending) => `${prefix}${ending}`)
  // Only the variable of the database may have just the prefix as its name, such as DB next to DB_HOST.
  return part === 'database' && prefix === 'DB_' ? [...names, 'DB'] : names
}

/**
 * The first set of variables that names a database: a database, and a host or a user.
 *
 * @param counts whether a variable shows that the application uses its set, for example because the code reads the variable
 * @param has whether a variable has a value; such variables complete the set
 */
export function findParts(
  counts: (name: string) => boolean,
  has: (name: string) => boolean,
): DatabaseParts | undefined {
  for (const prefix of PREFIXES) {
    const found = (part: Part) =>
      namesOf(prefix, part).find((name) => has(name) && counts(name)) ?? namesOf(prefix, part).find(has)
    const isMeant = (part: Part) => namesOf(prefix, part).some((name) => has(name) && counts(name))
    if (!isMeant('database') || !(isMeant('host') || isMeant('user'))) continue
    return Object.fromEntries(
      ALL.flatMap((part) => {
        const name = found(part)
        return name === undefined ? [] : [[part, name]]
      }),
    )
  }
  return undefined
}

/** The URL that the variables make; undefined if they make none. */
export function urlOfParts(parts: DatabaseParts, read: (name: string) => string | undefined): string | undefined {
  const value = (part: Part, otherwise: string) => {
    const name = parts[part]
    return (name === undefined ? undefined : read(name)) ?? otherwise
  }
  const host = value('host', 'localhost')
  const user = encodeURIComponent(value('user', 'postgres'))
  const password = value('password', '')
  const login = password === '' ? user : `${user}:${encodeURIComponent(password)}`
  const database = encodeURIComponent(value('database', 'postgres'))
  // A host that is a path is the folder of a socket.
  const url = host.startsWith('/')
    ? `postgres://${login}@localhost/${database}?host=${encodeURIComponent(host)}`
    : `postgres://${login}@${host.includes(':') ? `[${host}]` : host}:${value('port', '5432')}/${database}`
  return URL.canParse(url) ? url : undefined
}

/** The names of the variables, in the order host, port, user, password, database. */
export function partNames(parts: DatabaseParts): readonly string[] {
  return ALL.flatMap((part) => parts[part] ?? [])
}
