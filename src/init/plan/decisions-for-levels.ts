import { quoteIdentifier } from '../../catalog/names.ts'
import type { Decision } from '../../protect/change.ts'

/**
 * Makes the statements of decisions name `tenant_user` and `tenant_admin`, to which the migration grants the rights. The application's
 * login has no rights of its own, so a REVOKE from the login would have no effect, and nobody would notice.
 *
 * @param login the application's login
 */
export function decisionsForLevels(decisions: readonly Decision[], login: string): readonly Decision[] {
  const role = quoteIdentifier(login)
  const named = (given: string) => {
    // Advice in a comment: `-- Or …: REVOKE INSERT ON t FROM PUBLIC, login;`
    const line = given.startsWith('-- ')
      ? given.replace(`FROM PUBLIC, ${role};`, 'FROM PUBLIC, tenant_user, tenant_admin;')
      : given
    for (const before of [' FROM ', ' FROM PUBLIC, ', ' TO ']) {
      const end = `${before}${role};`
      if (/^(?:GRANT|REVOKE) .* ON /.test(line) && line.endsWith(end))
        return `${line.slice(0, -end.length)}${before}tenant_user, tenant_admin;`
    }
    return line
  }
  return decisions.map((decision) =>
    decision.sql === undefined ? decision : { ...decision, sql: decision.sql.split('\n').map(named).join('\n') },
  )
}
