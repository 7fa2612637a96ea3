import { quoteIdentifier } from '../catalog/names.ts'

/** GRANT statements that an application usually needs: all tables and sequences of these schemas. */
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

/** Statements that create a login for the application. It owns nothing, so policies apply to it. */
export function appRoleLines(role: string, schemas: readonly string[]): readonly string[] {
  return [`CREATE ROLE ${quoteIdentifier(role)} LOGIN;`, ...grantLines(role, schemas)]
}

/** A role name that is not taken. */
export function freeRoleName(taken: ReadonlySet<string>): string {
  const names = ['app', 'app_user', 'app_login']
  return names.find((name) => !taken.has(name)) ?? `app_${taken.size}`
}

/**
 * SQL comments that advise to create a separate login for the application. The current login, a superuser or owner, may have other work
 * that needs its privileges.
 */
export function otherLoginSql(taken: ReadonlySet<string>, schemas: readonly string[], password = '…'): string {
  const name = freeRoleName(taken)
  const [create = '', ...grants] = appRoleLines(name, schemas)
  return [
    `-- Make a login for the application, and let it log in as ${name}:`,
    ...[create.replace(/ LOGIN;$/, ` LOGIN PASSWORD '${password}';`), ...grants].map((line) => `--   ${line}`),
  ].join('\n')
}
