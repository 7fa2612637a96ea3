import { quoteIdentifier } from '../../catalog/names.ts'
import type { Change } from '../../protect/change.ts'

/**
 * Removes the statements that move the rights of the application's login to `tenant_user` and `tenant_admin`. The login has such rights
 * only in the trial schema. With these statements, the down migration would give the login rights that it never had, on tables without
 * policies.
 *
 * @param login the application's login
 */
export function withoutTrialRights(changes: readonly Change[], login: string): readonly Change[] {
  const role = quoteIdentifier(login)
  const kept = (statements: readonly string[]) => statements.filter((statement) => !movesRights(statement, role))
  return changes
    .map(({ up, down, upTogether, downTogether, ...rest }) => ({
      ...rest,
      up: kept(up),
      down: kept(down),
      ...(upTogether === undefined ? {} : { upTogether: kept(upTogether) }),
      ...(downTogether === undefined ? {} : { downTogether: kept(downTogether) }),
    }))
    .filter(({ up, down }) => up.length > 0 || down.length > 0)
}

/** `REVOKE SELECT ON t FROM login;` or `GRANT SELECT ON t TO login;`, with the comment above it. `GRANT role TO login;` has no ON, so it is kept. */
function movesRights(statement: string, role: string): boolean {
  const lines = statement.split('\n').filter((line) => !line.startsWith('--'))
  if (lines.length !== 1) return false
  const line = lines[0] ?? ''
  return (
    / ON /.test(line) &&
    ((line.startsWith('REVOKE ') && line.endsWith(` FROM ${role};`)) ||
      (line.startsWith('GRANT ') && line.endsWith(` TO ${role};`)))
  )
}
