import { isStalePlan } from '../database/wire/prepared-statement.ts'
import {
  ConflictError,
  DependencyUnavailableError,
  InvalidInputError,
  isPartywallError,
  PermissionDeniedError,
} from '../errors.ts'
import { isolationRefusal } from './foreign-tenant.ts'
import { innerErrors } from './inner-errors.ts'
import { reportHere } from './report-here.ts'

/**
 * What an error of PostgreSQL means to a client, also where a library has wrapped it. Errors that mean nothing to a client come back as
 * they are.
 *
 * Codes and routines decide, never the text: it is translated, and it quotes values.
 *
 * @see PostgreSQL, Appendix A: error codes
 */
export function databaseRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || isPartywallError(error)) return error
  for (const each of innerErrors(error)) {
    if (isPartywallError(each)) return each
    const refusal = meaningOf(each, error)
    if (refusal !== undefined) return refusal
  }
  return error
}

/** @param each has the code; @param cause is what was thrown */
function meaningOf(each: object, cause: Error): Error | undefined {
  // Prisma's adapter keeps PostgreSQL's code beside a kind of its own.
  const code = textOf(each, 'originalCode') || textOf(each, 'code')
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined
  if (code === '42501') {
    // The same code for "no such privilege" and for "the policy refuses this row".
    if (textOf(each, 'routine').startsWith('aclcheck_error')) return privilegeRefusal(cause)
    return isolationRefusal('The database refused a row or a context.', undefined, cause)
  }
  if (code === '23505' || code === '23P01') return new ConflictError('A row with this value exists already.', { cause })
  if (code.startsWith('23') || code.startsWith('22') || code === '54000') {
    return new InvalidInputError('The database refused a value.', { cause })
  }
  if (each instanceof Error && isStalePlan(each))
    return new DependencyUnavailableError('The table has changed since this was prepared.', { cause })
  if (/^(?:08|53|57P|58)/.test(code) || code === '57014' || code === '40001' || code === '40P01' || code === '55P03') {
    return new DependencyUnavailableError('The database could not do this now.', { cause })
  }
  return undefined
}

/** Reports what the database's own roles refused: the application let it through, so nobody else has. */
function privilegeRefusal(cause: Error): PermissionDeniedError {
  reportHere({ type: 'PERMISSION_DENIED', source: 'database', permission: 'database role' })
  return new PermissionDeniedError('The database role of this context has no privilege for this.', { cause })
}

function textOf(error: object, name: string): string {
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : ''
}
