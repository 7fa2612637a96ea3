import {
  CONNECTION_PARTS,
  type ConnectionPart,
  PART_PREFIXES,
  partVariables,
} from '../../config/connection-variables.ts'

/** The variables that together name a database, as an application reads them. A part without a variable has its default. */
export interface DatabaseParts {
  readonly host?: string
  readonly port?: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
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
  for (const prefix of PART_PREFIXES) {
    const found = (part: ConnectionPart) =>
      partVariables(prefix, part).find((name) => has(name) && counts(name)) ?? partVariables(prefix, part).find(has)
    const isMeant = (part: ConnectionPart) => partVariables(prefix, part).some((name) => has(name) && counts(name))
    if (!isMeant('database') || !(isMeant('host') || isMeant('user'))) continue
    return Object.fromEntries(
      CONNECTION_PARTS.flatMap((part) => {
        const name = found(part)
        return name === undefined ? [] : [[part, name]]
      }),
    )
  }
  return undefined
}

/** The URL that the variables make; undefined if they make none. */
export function urlOfParts(parts: DatabaseParts, read: (name: string) => string | undefined): string | undefined {
  const value = (part: ConnectionPart, otherwise: string) => {
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
  return CONNECTION_PARTS.flatMap((part) => parts[part] ?? [])
}
