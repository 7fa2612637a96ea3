import { appendFile, readFile, truncate } from 'node:fs/promises'
import { z } from 'zod'
import { ConfigurationError } from '../errors.ts'
import type { PublishedAnchor } from './records.ts'

/** A store for anchors outside the database, where the database's administrators can't change them. */
export interface AnchorStore {
  /**
   * Called in order after the commit of each tick (one round of the sealer). After a failure, the anchor is published again with the next
   * tick.
   */
  publish(anchor: PublishedAnchor): Promise<void> | void
  /** Returns the newest published anchor, if the store can be read. The sealer then refuses a database whose newest anchor is older. */
  last?(): Promise<PublishedAnchor | undefined>
}

const published = z.object({
  n: z.int(),
  kind: z.enum(['seal', 'prune', 'key']),
  body: z.string(),
  hash: z.string(),
  keyId: z.string(),
  signature: z.string(),
  heads: z.array(z.object({ tenant: z.string(), n: z.int(), hash: z.string() })),
})

/** Appends each anchor as one line of JSON. Put the file on another machine's disk, or on storage that only appends. */
export function anchorFile(path: string): AnchorStore {
  let whole = false
  return {
    async publish(anchor) {
      if (!whole) await cutBrokenLine(path)
      whole = false // until this anchor is written
      await appendFile(path, `${JSON.stringify(anchor)}\n`, { mode: 0o600 })
      whole = true
    },
    last: async () => (await readAnchorFile(path, { missing: 'empty' })).at(-1),
  }
}

/** Removes an incomplete last line of a writer that was killed, because the next anchor would be appended to it. */
async function cutBrokenLine(path: string): Promise<void> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0)) // the file is missing, or appendFile() will report the problem
  const end = bytes.lastIndexOf(10) + 1
  if (end < bytes.length) await truncate(path, end)
}

/**
 * All anchors of a file. If the last line has no line end, its writer was killed, and the line counts as not written.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a line that is no anchor
 */
export async function readAnchorFile(
  path: string,
  options: { readonly missing?: 'empty' } = {},
): Promise<readonly PublishedAnchor[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (options.missing === 'empty' && cause instanceof Error && Reflect.get(cause, 'code') === 'ENOENT') return []
    throw new ConfigurationError('The anchors file could not be read.', { cause })
  }
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter((line) => line !== '').map((line, index) => readAnchor(line, index + 1))
}

function readAnchor(line: string, number: number): PublishedAnchor {
  try {
    return published.parse(JSON.parse(line))
  } catch (cause) {
    throw new ConfigurationError(`Line ${number} of the anchors file is no anchor.`, { cause })
  }
}
