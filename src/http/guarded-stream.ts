import { isUtf8 } from 'node:buffer'
import { type BodyHeaders, type Reading, readingOf } from './body-reading.ts'

/** The guard's decision about a chunk that the handler wrote. */
export type ChunkVerdict =
  | { readonly kind: 'send'; readonly chunk: Buffer | string }
  /** The chunk is sent, and later chunks are not checked. */
  | { readonly kind: 'pass'; readonly chunk: Buffer }
  | { readonly kind: 'hold' }
  | { readonly kind: 'refuse'; readonly error: Error }

/** Checks an answer that is written in several chunks. */
export interface StreamCheck {
  write(chunk: Buffer): ChunkVerdict
  /** Called at the end of the answer: returns the bytes that were held back. */
  end(): ChunkVerdict
}

/** Judges an answer. Each function returns an error if the data must not be sent. */
export interface StreamJudge {
  readonly maxBufferBytes: number
  readonly refusalOf: (text: string) => Error | undefined
  /** The error for an answer that can't be checked. Undefined if such an answer may be sent. */
  readonly refusalOfUnreadable: (reason: string) => Error | undefined
}

/**
 * The text that a client reads from these bytes. Undefined if they are not valid UTF-8, or contain a zero byte, as UTF-16 and UTF-32 do.
 */
export function jsonTextOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : undefined
}

/** Decides by the headers and the first bytes (without white space) how the chunks of an answer are checked. */
export function streamCheckFor(headers: BodyHeaders, judge: StreamJudge): StreamCheck {
  let start: Buffer = Buffer.alloc(0)
  let decided: StreamCheck | undefined

  function begin(reading: Reading): ChunkVerdict {
    if (reading.kind === 'undecided' && start.length <= judge.maxBufferBytes) return { kind: 'hold' }
    if (reading.kind === 'undecided' || reading.kind === 'unreadable') {
      const reason = reading.kind === 'unreadable' ? reading.reason : '(white space longer than maxBufferBytes)'
      const error = judge.refusalOfUnreadable(reason)
      return error === undefined ? { kind: 'pass', chunk: start } : { kind: 'refuse', error }
    }
    if (reading.kind === 'other') return { kind: 'pass', chunk: start }
    decided = reading.kind === 'records' ? recordCheck(judge) : documentCheck(judge)
    return decided.write(start)
  }

  return {
    write(chunk) {
      if (decided !== undefined) return decided.write(chunk)
      // Buffer.concat copies the chunk. The handler is told that the chunk was written, and may then reuse its memory.
      start = Buffer.concat([start, chunk])
      return begin(readingOf(headers, start))
    },
    end: () => decided?.end() ?? { kind: 'send', chunk: start },
  }
}

function judgeBytes(bytes: Buffer, judge: StreamJudge): ChunkVerdict {
  const text = jsonTextOf(bytes)
  const error = text === undefined ? judge.refusalOfUnreadable('(JSON that is not UTF-8)') : judge.refusalOf(text)
  return error === undefined ? { kind: 'send', chunk: bytes } : { kind: 'refuse', error }
}

function refusalOfSize(judge: StreamJudge): Error | undefined {
  return judge.refusalOfUnreadable('(an answer longer than maxBufferBytes: send records, or pages)')
}

/** Records are separated by line ends. Each record is sent once it is complete and was checked. */
function recordCheck(judge: StreamJudge): StreamCheck {
  let held: Buffer[] = []
  let size = 0
  return {
    write(chunk) {
      // In UTF-8 the byte of a line end is never part of another character.
      const complete = chunk.lastIndexOf(0x0a) + 1
      const isTooLong = complete === 0 && size + chunk.length > judge.maxBufferBytes
      // Copy the chunk: the handler is told that it was written, and may then reuse its memory.
      const copy = Buffer.from(chunk)
      if (complete === 0 && !isTooLong) {
        held.push(copy)
        size += copy.length
        return { kind: 'hold' }
      }
      const error = isTooLong ? refusalOfSize(judge) : undefined
      if (error !== undefined) return { kind: 'refuse', error }
      const end = isTooLong ? copy.length : complete
      const lines = Buffer.concat([...held, copy.subarray(0, end)])
      held = [copy.subarray(end)]
      size = copy.length - end
      return judgeBytes(lines, judge)
    },
    end: () => judgeBytes(Buffer.concat(held), judge),
  }
}

/** In one JSON document the tenant field may come last, so nothing is sent before the whole document was checked. */
function documentCheck(judge: StreamJudge): StreamCheck {
  let held: Buffer[] = []
  let size = 0
  let unchecked = false
  return {
    write(chunk) {
      if (unchecked) return { kind: 'send', chunk }
      held.push(Buffer.from(chunk))
      size += chunk.length
      if (size <= judge.maxBufferBytes) return { kind: 'hold' }
      const error = refusalOfSize(judge)
      if (error !== undefined) return { kind: 'refuse', error }
      unchecked = true
      return { kind: 'send', chunk: Buffer.concat(held) }
    },
    end() {
      if (unchecked) return { kind: 'send', chunk: '' }
      const whole = Buffer.concat(held)
      held = []
      return judgeBytes(whole, judge)
    },
  }
}
