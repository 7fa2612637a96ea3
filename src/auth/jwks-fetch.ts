import { DependencyUnavailableError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import { type KeySet, readJwks } from './key-set.ts'

const MAX_DOCUMENT_BYTES = 512 * 1024

/**
 * Fetches a JWK Set. Redirects are not followed, because they could replace the source of trusted keys.
 *
 * @throws {DependencyUnavailableError} for any answer other than 200 with at least one usable key, because an empty set must not
 *   replace good keys
 */
export async function fetchJwks(url: URL, signal: AbortSignal, logger: Logger): Promise<KeySet> {
  const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: 'application/json' } })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw unusable(url, `it answered ${response.status}`)
  }
  let document: unknown
  try {
    document = JSON.parse(await readBounded(response, url))
  } catch (error) {
    throw error instanceof SyntaxError ? unusable(url, 'it is no JSON') : error
  }
  const { keys, problems } = readJwks(document, true)
  if (problems.length > 0) logger.warn({ dependency: `jwks ${url.origin}`, problems }, 'keys of this set are not used')
  if (keys.size === 0) throw unusable(url, 'it holds no usable key')
  return keys
}

async function readBounded(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  // The throw leaves the loop, and leaving the loop cancels the body.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_DOCUMENT_BYTES) throw unusable(url, `it is larger than ${MAX_DOCUMENT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unusable(url: URL, why: string): DependencyUnavailableError {
  return new DependencyUnavailableError(`The JWK Set of ${url.origin} can not be used: ${why}.`, {
    details: { dependency: `jwks ${url.origin}`, why },
  })
}
