import { quoteIdentifier } from '../catalog/names.ts'

/** What an application usually may: every table and sequence of these schemas. */
export function grantLines(role: string, schemas: readonly string[]): readonly string[] {
  const to = quoteIdentifier(role)
  return schemas.flatMap((schema) => {
    const name = quoteIdentifier(schema)
    return [
      `GRANT USAGE ON SCHEMA ${name} TO ${to};`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO ${to};`,
      `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${name} TO ${to};`,
    ]
  })
}

/** A login for the application, that owns nothing and that policies hold. */
export function appRoleLines(role: string, schemas: readonly string[]): readonly string[] {
  return [`CREATE ROLE ${quoteIdentifier(role)} LOGIN;`, ...grantLines(role, schemas)]
}

/** A name that no role has yet. */
export function freeRoleName(taken: ReadonlySet<string>): string {
  const names = ['app', 'app_user', 'app_login']
  return names.find((name) => !taken.has(name)) ?? `app_${taken.size}`
}

/**
 * What to do about a login that no policy holds, as comments: a superuser or an owner has other work, which breaks when its
 * powers are taken.
 */
export function otherLoginSql(taken: ReadonlySet<string>, schemas: readonly string[], password = '…'): string {
  const name = freeRoleName(taken)
  const [create = '', ...grants] = appRoleLines(name, schemas)
  return [
    `-- Make a login for the application, and let it log in as ${name}:`,
    ...[create.replace(/ LOGIN;$/, ` LOGIN PASSWORD '${password}';`), ...grants].map((line) => `--   ${line}`),
  ].join('\n')
}
