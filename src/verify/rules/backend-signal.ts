import type { Rule } from '../finding/rule.ts'
import { SUPERUSER_LINE } from '../readings/superuser-sql.ts'

const SIGNALS = 'pg_catalog.pg_terminate_backend(integer, bigint), pg_catalog.pg_cancel_backend(integer)'

export const backendSignal: Rule = {
  id: 'backend-signal',
  group: 'context',
  title: "Tenants can end each other's sessions",
  severity: 'info',
  meaning:
    "All tenants share the application's login, so pg_terminate_backend and pg_cancel_backend work on each other's sessions.",
  remedy: 'Where the platform gives you a superuser, revoke EXECUTE on both from PUBLIC.',
  *run(facts) {
    const open = facts.catalog.grantedBuiltins.filter(
      (builtin) => builtin.name === 'pg_terminate_backend' || builtin.name === 'pg_cancel_backend',
    )
    // The catalog lists these functions only if their grants were changed. If both are closed to the application, there is no finding.
    const closed = open.filter(
      (builtin) => !facts.acting.some((role) => facts.privileges.granted(role.role.oid, builtin.grants, 'EXECUTE')),
    )
    if (closed.length >= 2 || facts.tenancy.tables.size === 0) return
    yield {
      object: `role ${facts.tenancy.appRole.name}`,
      message: `All tenants share ${facts.tenancy.appRole.name}: injected SQL of one tenant can end the sessions of others with pg_terminate_backend.`,
      evidence: ['EXECUTE on pg_terminate_backend and pg_cancel_backend'],
      fix: [
        SUPERUSER_LINE,
        '-- Takes away: code that ends or cancels sessions of its own role. Members of pg_signal_backend keep the right.',
        `REVOKE EXECUTE ON FUNCTION ${SIGNALS} FROM PUBLIC;`,
        `GRANT EXECUTE ON FUNCTION ${SIGNALS} TO pg_signal_backend;`,
      ].join('\n'),
    }
  },
}
