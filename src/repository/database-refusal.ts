import { isStalePlan } from '../database/wire/prepared-statement.ts'
import {
  ConflictError,
  DependencyUnavailableError,
  InvalidInputError,
  isPartywallError,
  PermissionDeniedError,
} from '../errors.ts'
import { errorOfCopiedCode } from './copied-code.ts'
import { isolationRefusal } from './foreign-tenant.ts'
import { innerErrors } from './inner-errors.ts'
import { reportHere } from './report-here.ts'

/**
 * Translates an error of PostgreSQL into an error for a client, also if a library has wrapped it. Other errors are returned unchanged.
 *
 * The function reads error codes and routine names. It never reads the message, which may be in any language and may quote values.
 *
 * @see PostgreSQL, Appendix A: error codes
 */
export function databaseRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || isPartywallError(error)) return error
  for (const each of innerErrors(error)) {
    if (isPartywallError(each)) return each
    const refusal = errorOfCopiedCode(each, error) ?? meaningOf(each, error)
    if (refusal !== undefined) return refusal
  }
  return error
}

/** @param each the inner error that has the code; @param cause the error that was thrown */
function meaningOf(each: object, cause: Error): Error | undefined {
  // The errors of Prisma's adapter have PostgreSQL's code in the field `originalCode`.
  const code = textOf(each, 'originalCode') || textOf(each, 'code')
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined
  if (code === '42501') {
    // PostgreSQL uses the same code for a missing privilege and for a row that a policy refuses.
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

/**
 * Emits an event for a refusal by the database's privileges. The application's own permission check let the action pass, so no other layer
 * has reported the refusal.
 */
function privilegeRefusal(cause: Error): PermissionDeniedError {
  reportHere({ type: 'PERMISSION_DENIED', source: 'database', permission: 'database role' })
  return new PermissionDeniedError('The database role of this context has no privilege for this.', { cause })
}

function textOf(error: object, name: string): string {
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : ''
}
