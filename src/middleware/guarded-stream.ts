import { StringDecoder } from 'node:string_decoder'

/** What becomes of a chunk that the handler wrote. */
export type ChunkVerdict =
  | { readonly kind: 'send'; readonly chunk: Buffer | string }
  | { readonly kind: 'hold' }
  | { readonly kind: 'refuse'; readonly error: Error }

/** Looks through an answer that is written piece by piece. */
export interface StreamCheck {
  write(chunk: Buffer): ChunkVerdict
  /** What was held back, at the end of the answer. */
  end(): ChunkVerdict
}

/** Gives an error for a text that must not be sent. */
export type RefusalOfText = (text: string) => Error | undefined
/** Gives an error for an answer that can't be checked; undefined where it is let through all the same. */
export type RefusalOfUnreadable = (reason: string) => Error | undefined

const recordTypes = /ndjson|jsonl|json-seq|json-lines|stream\+json|event-stream/i
const jsonTypes = /json|javascript/i
const jsonStart = /^\s*[[{]/

/** Whether text of this content type, or text that begins like this, is JSON or holds JSON. */
export function holdsJson(contentType: string, start: string): boolean {
  return jsonTypes.test(contentType) || recordTypes.test(contentType) || jsonStart.test(start)
}

/** How an answer that is written piece by piece is checked; undefined where it is no JSON. */
export function streamCheckFor(
  contentType: string,
  firstChunk: Buffer,
  maxBufferBytes: number,
  refusalOf: RefusalOfText,
  refusalOfUnreadable: RefusalOfUnreadable,
): StreamCheck | undefined {
  const refusalOfSize = () => refusalOfUnreadable('(an answer longer than maxBufferBytes: send records, or pages)')
  if (recordTypes.test(contentType)) return recordCheck(maxBufferBytes, refusalOf, refusalOfSize)
  if (!holdsJson(contentType, firstChunk.toString('utf8', 0, 64))) return undefined
  return documentCheck(maxBufferBytes, refusalOf, refusalOfSize)
}

/** Records end with a line: each is sent once it is complete and was looked through. */
function recordCheck(maxBytes: number, refusalOf: RefusalOfText, refusalOfSize: () => Error | undefined): StreamCheck {
  const decoder = new StringDecoder('utf8')
  let held = ''
  const judge = (text: string): ChunkVerdict => {
    const error = refusalOf(text)
    return error === undefined ? { kind: 'send', chunk: text } : { kind: 'refuse', error }
  }
  return {
    write(chunk) {
      held += decoder.write(chunk)
      const complete = held.lastIndexOf('\n') + 1
      if (complete > 0) {
        const text = held.slice(0, complete)
        held = held.slice(complete)
        return judge(text)
      }
      if (held.length <= maxBytes) return { kind: 'hold' }
      const error = refusalOfSize()
      if (error !== undefined) return { kind: 'refuse', error }
      const text = held
      held = ''
      return judge(text)
    },
    end: () => judge(held + decoder.end()),
  }
}

/** In one JSON document the tenant may stand behind the content: nothing is sent before all of it was seen. */
function documentCheck(
  maxBytes: number,
  refusalOf: RefusalOfText,
  refusalOfSize: () => Error | undefined,
): StreamCheck {
  let held: Buffer[] = []
  let size = 0
  let unchecked = false
  return {
    write(chunk) {
      if (unchecked) return { kind: 'send', chunk }
      // A copy: its writer may use the memory again once it was told that the chunk was taken.
      held.push(Buffer.from(chunk))
      size += chunk.length
      if (size <= maxBytes) return { kind: 'hold' }
      const error = refusalOfSize()
      if (error !== undefined) return { kind: 'refuse', error }
      unchecked = true
      return { kind: 'send', chunk: Buffer.concat(held) }
    },
    end() {
      if (unchecked) return { kind: 'send', chunk: '' }
      const whole = Buffer.concat(held)
      held = []
      const error = refusalOf(whole.toString('utf8'))
      return error === undefined ? { kind: 'send', chunk: whole } : { kind: 'refuse', error }
    },
  }
}
