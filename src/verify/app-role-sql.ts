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
