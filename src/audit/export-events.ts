import { InvalidInputError } from '../errors.ts'
import type { AuditEvent } from './audit-event.ts'
import type { AuditFilter, AuditPage } from './query-events.ts'

/** NDJSON for programs, CSV (RFC 4180) for spreadsheets, CEF for old SIEMs. */
export type AuditFormat = 'ndjson' | 'csv' | 'cef'

const PAGE = 1000

const COLUMNS: readonly (readonly [string, (event: AuditEvent) => string | undefined])[] = [
  ['timestamp', (event) => event.timestamp],
  ['id', (event) => event.id],
  ['tenantId', (event) => event.tenantId],
  ['userId', (event) => event.userId],
  ['actor', (event) => event.actor?.id],
  ['action', (event) => event.action],
  ['outcome', (event) => event.outcome],
  ['resource', (event) => event.resource],
  ['resourceId', (event) => event.resourceId],
  ['requestId', (event) => event.requestId],
  ['ip', (event) => event.ip],
  ['userAgent', (event) => event.userAgent],
  ['details', (event) => JSON.stringify(event.details)],
]

/** Reads all pages and yields each event as one line, with its line end. */
export async function* exportEvents(
  query: (filter: AuditFilter) => Promise<AuditPage>,
  format: AuditFormat,
  filter: AuditFilter,
): AsyncGenerator<string, void, void> {
  const line = lineOf(format)
  if (format === 'csv') yield `${COLUMNS.map(([name]) => name).join(',')}\r\n`
  let cursor = filter.cursor
  do {
    const page = await query({ ...filter, limit: filter.limit ?? PAGE, cursor })
    for (const event of page.events) yield line(event)
    cursor = page.nextCursor
  } while (cursor !== undefined)
}

function lineOf(format: AuditFormat): (event: AuditEvent) => string {
  switch (format) {
    case 'ndjson':
      return (event) => `${JSON.stringify(event)}\n`
    case 'csv':
      return (event) => `${COLUMNS.map(([, read]) => csvField(read(event) ?? '')).join(',')}\r\n`
    case 'cef':
      return cefLine
    default:
      throw new InvalidInputError('format must be ndjson, csv or cef.')
  }
}

/**
 * Quotes cells that begin with `=`, `+`, `-` or `@`: a spreadsheet would execute them, and an attacker can choose names and user agents.
 */
function csvField(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

const CEF_SEVERITY = { success: 3, failure: 5, denied: 7 } as const

/** @see ArcSight Common Event Format, revision 25: header and extension escape differently */
function cefLine(event: AuditEvent): string {
  const header = (text: string) => text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ')
  const value = (text: string) => text.replace(/[\\=]/g, '\\$&').replace(/\r?\n|\r/g, '\\n')
  const extension: readonly (readonly [string, string | undefined])[] = [
    ['rt', String(Date.parse(event.timestamp))],
    ['externalId', event.id],
    ['suser', event.userId],
    ['src', event.ip],
    ['requestClientApplication', event.userAgent],
    ['outcome', event.outcome],
    ['cs1Label', 'tenantId'],
    ['cs1', event.tenantId],
    ['cs2Label', 'resource'],
    ['cs2', [event.resource, event.resourceId].filter((part) => part !== undefined).join('/')],
    ['cs3Label', 'requestId'],
    ['cs3', event.requestId],
    ['cs4Label', 'actor'],
    ['cs4', event.actor?.id],
    ['msg', JSON.stringify(event.details)],
  ]
  const fields = extension.flatMap(([name, text]) =>
    text === undefined || text === '' ? [] : [`${name}=${value(text)}`],
  )
  const action = header(event.action)
  return `CEF:0|partywall|audit|1|${action}|${action}|${CEF_SEVERITY[event.outcome]}|${fields.join(' ')}\n`
}
