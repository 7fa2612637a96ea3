import { type ContextFrame, isTenantFrame } from '../../../context/frame.ts'
import { DependencyUnavailableError, StatementRefusedError, TenantInactiveError } from '../../../errors.ts'
import type { EventSubject, SecurityEvents } from '../../../events/security-events.ts'
import { isServerError } from '../../wire/pg-internals.ts'

const OWN_POOL =
  'A job queue (pg-boss, graphile-worker) needs its own plain pg.Pool with its own login; the handlers of its jobs open their tenant with wall.importContext()'

/** The advice for each refused command. Libraries send some of these commands when they start. */
const CURES: Readonly<Record<string, string>> = {
  SET:
    "Make the setting in onConnect, as a start-up option (options: '-c name=value'), or by SET LOCAL inside a transaction. " +
    "Sequelize sends none with standardConformingStrings: false, keepDefaultTimezone: true and dialectOptions: { clientMinMessages: 'ignore' }",
  RESET: 'Leave it out: connections are cleaned between tenants',
  DISCARD:
    'Leave it out: connections are cleaned between tenants. Slonik sends none with resetConnection: async () => {}',
  CREATE: `Run it with the migration role. ${OWN_POOL}`,
  ALTER: `Run it with the migration role. ${OWN_POOL}`,
  DROP: `Run it with the migration role. ${OWN_POOL}`,
  LISTEN: `Listen on a client of your own (pg.Client). ${OWN_POOL}`,
}

/** @param command the statement's first keyword, in upper case, as far as it could be read */
export function statementRefused(command: string): StatementRefusedError {
  const readable = /^[A-Z_]{1,40}$/.test(command)
  const allow = readable ? ` Or let it through with allowStatements: ['${command}'].` : ''
  const cure = Object.hasOwn(CURES, command) ? CURES[command] : 'Run it with the migration role'
  return new StatementRefusedError(
    `${readable ? command : 'This statement'} is not allowed on tenants’ connections: it could leave something behind for the next tenant. ${cure}.${allow}`,
  )
}

/**
 * Replaces errors of the server by clearer ones: several statements in one text, and a tenant that is suspended, being moved, or placed in
 * another schema.
 */
export function explainServerError(error: Error, frame: ContextFrame, events: SecurityEvents | undefined): Error {
  if (!isServerError(error) || error.code !== '42501') return explainSeveralStatements(error)
  // Migrations 0016_tickets.sql and 0018_schemas.sql raise these errors for seals.
  if (error.message === 'partywall: the tenant is suspended') {
    events?.emit({ type: 'TENANT_REFUSED', reason: 'suspended', ...subjectOf(frame) })
    return new TenantInactiveError('The tenant was suspended while this work was under way.', { cause: error })
  }
  if (error.message === 'partywall: the tenant is being moved')
    return new DependencyUnavailableError('The tables of the tenant are being moved. Try again later.', {
      cause: error,
    })
  if (error.message !== 'partywall: the tenant has another placement') return error
  events?.emit({ type: 'PLACEMENT_OUTDATED', ...subjectOf(frame) })
  return new DependencyUnavailableError(
    'The tables of the tenant are in another place than this context says. The context must have the placement that the tenant directory answers now.',
    { cause: error },
  )
}

function subjectOf(frame: ContextFrame): EventSubject {
  if (!isTenantFrame(frame)) return {}
  const { tenantId, userId, requestId } = frame
  return { tenantId, userId, requestId }
}

/** Replaces the server's plain syntax error for a text of several statements by an error that says why and what to do. */
function explainSeveralStatements(error: Error): Error {
  // Recognise the error by its routine, which no other syntax error has. Its message may be in another language.
  if (!isServerError(error) || error.code !== '42601' || Reflect.get(error, 'routine') !== 'exec_parse_message')
    return error
  return new StatementRefusedError(
    'The text holds several statements, which tenants’ connections never run: injected SQL could add its own. Send them one by one. ' +
      `${OWN_POOL}. An unsealed pool runs them with multiStatements: true.`,
    { cause: error },
  )
}
