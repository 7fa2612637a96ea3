/** The headers that say how to read the bytes of an answer. */
export interface BodyHeaders {
  readonly contentType: string
  /** The values of Content-Encoding and Transfer-Encoding. */
  readonly codings: string
  /** Whether the answer is a part of a longer one (206, Content-Range). */
  readonly isPart: boolean
}

/**
 * How the guard reads an answer.
 *
 * - `records`: one JSON text per line; `document`: one JSON text, perhaps with text around it; `other`: not JSON, so it passes;
 * - `undecided`: so far only white space;
 * - `unreadable`: the answer is JSON, or may be JSON, in a form that the guard can't read, so the answer is refused.
 */
export type Reading =
  | { readonly kind: 'records' | 'document' | 'other' | 'undecided' }
  | { readonly kind: 'unreadable'; readonly reason: string }

const recordTypes = /ndjson|jsonl|json-seq|json-lines|stream\+json|event-stream/i
const jsonTypes = /json|javascript|^multipart\/mixed/i
/** Content types that do not tell the format of the bytes. */
const vagueTypes = /^\s*(?:$|;|text\/plain|application\/octet-stream|binary\/octet-stream|\*)/i
const mediaTypes = /^\s*(?:image|audio|video|font)\//i
const readableCharsets = /^(?:utf-?8|us-ascii|ascii)$/i
/** Charsets in which quotes, braces and brackets have the bytes of ASCII, so that the beginning of JSON can be recognised. */
const asciiSupersets = /^(?:iso-?8859-\d+|latin-?\d|windows-125\d|cp125\d)$/i

/**
 * Decides from the headers and the first bytes how an answer is read.
 *
 * @param start the answer's first bytes. If the result is `undecided`, call again with more bytes
 */
export function readingOf({ contentType, codings, isPart }: BodyHeaders, start: Uint8Array): Reading {
  if (start.length === 0) return { kind: 'undecided' }
  const isMedia = mediaTypes.test(contentType)
  if (isCoded(codings) && !isMedia)
    return unreadable('a compressed answer: mount compression first, then the response guard')
  const charsets = charsetsOf(contentType)
  const isReadable = charsets.every((charset) => readableCharsets.test(charset))
  if (recordTypes.test(contentType) || jsonTypes.test(contentType)) {
    if (isPart) return unreadable('a part of a JSON document: the tenant may be in another part')
    if (!isReadable) return unreadable('JSON in another charset than UTF-8')
    return { kind: recordTypes.test(contentType) ? 'records' : 'document' }
  }
  if (vagueTypes.test(contentType)) {
    if (isPart) return unreadable('a part of an answer of no known type')
    if (!isReadable && !charsets.every((charset) => asciiSupersets.test(charset)))
      return unreadable('text in a charset that is not known')
    if (contentType.trim() === '' && isCompressed(start)) return unreadable('compressed bytes without a content type')
  }
  return readingOfStart(start, isReadable)
}

/** Whether text with this content type, or with this beginning, is JSON or contains JSON. */
export function holdsJson(contentType: string, text: string): boolean {
  if (jsonTypes.test(contentType) || recordTypes.test(contentType)) return true
  let from = 0
  while (from < text.length && isSkippedCharacter(text.charAt(from))) from++
  return beginsJson(text.slice(from, from + LONGEST_GUARD))
}

function unreadable(reason: string): Reading {
  return { kind: 'unreadable', reason: `(${reason})` }
}

function isCoded(codings: string): boolean {
  return codings.split(',').some((coding) => !['', 'identity', 'chunked'].includes(coding.trim().toLowerCase()))
}

function charsetsOf(contentType: string): readonly string[] {
  return Array.from(contentType.matchAll(/charset\s*=\s*["']?([^\s;"',]*)/gi), ([, name]) => name ?? '')
}

/** Whether the bytes begin like gzip, zlib (Content-Encoding deflate) or Zstandard. */
function isCompressed(start: Uint8Array): boolean {
  const [first, second, third] = start
  if (first === 0x1f) return second === 0x8b
  if (first === 0x28) return second === 0xb5 && third === 0x2f
  return first === 0x78 && second !== undefined && [0x01, 0x5e, 0x9c, 0xda].includes(second)
}

/** Prefixes that servers write before JSON so that browsers can't run it as a script. */
const scriptGuards = [")]}'", 'while(1);', 'for(;;);']
const LONGEST_GUARD = 10

function beginsJson(text: string): boolean {
  return /^[[{]/.test(text) || scriptGuards.some((guard) => text.startsWith(guard))
}

function isSkippedCharacter(character: string): boolean {
  return character.trim() === '' || skipped.has(character.charCodeAt(0))
}

// White space, the record separator of JSON text sequences, and bytes that occur before and between characters of UTF-16
// and UTF-32: byte order marks and zeros. JSON in these encodings is found here, and refused when it is decoded.
const skipped = new Set([0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1e, 0x20, 0xef, 0xbb, 0xbf, 0xff, 0xfe])

function readingOfStart(start: Uint8Array, isReadable: boolean): Reading {
  const from = start.findIndex((byte) => !skipped.has(byte))
  if (from === -1) return { kind: 'undecided' }
  const text = Buffer.from(start.subarray(from, from + LONGEST_GUARD)).toString('latin1')
  if (!beginsJson(text)) {
    const mayBegin = scriptGuards.some((guard) => guard.startsWith(text))
    return { kind: mayBegin ? 'undecided' : 'other' }
  }
  return isReadable ? { kind: 'document' } : unreadable('JSON in another charset than UTF-8')
}
