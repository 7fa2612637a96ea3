import { createHash } from 'node:crypto'
import { canonicalJson } from '../../config/canonical-json.ts'
import type { ReportDocument } from './document.ts'
import { renderJson } from './json.ts'

/**
 * SHA-256 in hex of the report's JSON document, in canonical form. It does not depend on white space or on the order of members, so anybody
 * who has the JSON document can compute it. The document holds no time: two runs on the same schema, files and package have the same digest.
 *
 * @see RFC 8785 (JSON Canonicalization Scheme)
 */
export function documentDigest(document: ReportDocument): string {
  return createHash('sha256')
    .update(canonicalJson(JSON.parse(renderJson(document))), 'utf8')
    .digest('hex')
}

/**
 * The id of a report, such as `20261130T221035123Z-3f9a2c1b7d04`: the time when the run started, and the first 12 digits of the document's
 * digest. Undefined if the document does not say when it was made.
 */
export function reportId(document: ReportDocument): string | undefined {
  if (document.made === undefined) return undefined
  return `${document.made.at.replace(/[-:.]/g, '')}-${documentDigest(document).slice(0, 12)}`
}
