// Not by name: an old Node would say that as a SyntaxError, before it could be told that it is too old.
import util from 'node:util'
import { isPartywallError } from '../src/errors.ts'

type Style = Parameters<typeof util.styleText>[0]

/** Colour only where somebody looks at a terminal that wants it. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const wanted = (process.env['NO_COLOR'] ?? '') === '' // set and empty means nothing: no-color.org
  return stream.isTTY && wanted ? util.styleText(style, text) : text
}

/** An error as people want to read it: what, why, cure; the stack only for what nobody foresaw. */
export function describeError(error: unknown): string {
  if (isPartywallError(error)) return `partywall: ${error.message}`
  if (!(error instanceof Error)) return `partywall: ${String(error)}`
  const connection = describeConnectionError(error)
  return connection === undefined
    ? `partywall: internal error: ${error.stack ?? error.message}`
    : `partywall: ${connection}`
}

/** A sentence for what goes wrong on the way into a database; undefined for anything else. Never the URL: it holds the password. */
function describeConnectionError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const inner = error instanceof AggregateError ? error.errors[0] : error
  const code: unknown = inner !== null && typeof inner === 'object' ? Reflect.get(inner, 'code') : undefined
  switch (code) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return 'The database server does not answer there. Is it running, and are host and port of --database-url right?'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host of --database-url is not known. Is its name right?'
    case '28P01':
      return 'The server refused the password of --database-url.'
    case '28000':
      return `The server refused the login: ${error.message}.`
    case '3D000':
      return `The server has no such database: ${error.message}.`
    case '42501':
      return `The role of --database-url lacks a right: ${error.message}. Use the migration role, or grant it what is missing.`
    case '57P01':
    case '57P02':
    case 'ECONNRESET':
    case 'EPIPE':
      return CUT
    default:
      return code === undefined && /^Connection terminated/.test(error.message) ? CUT : undefined
  }
}

const CUT =
  'The connection to the database broke while the command ran. What was not committed is rolled back; run it again.'
