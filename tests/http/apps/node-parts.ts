import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, type Asked, textOf } from '../application.ts'

/** A request of Node for the routes. */
export function askedOf(request: IncomingMessage, response: ServerResponse, params: Record<string, string>): Asked {
  return {
    params,
    query: new URL(request.url ?? '/', 'http://x').searchParams,
    async json() {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(Buffer.from(part))
      return JSON.parse(Buffer.concat(parts).toString('utf8'))
    },
    chunks: (onChunk) => chunksOf(request, onChunk),
    setHeader: (name, value) => void response.setHeader(name, value),
  }
}

/** By listeners, as parsers of uploads read. */
export function chunksOf(request: IncomingMessage, onChunk: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on('data', onChunk)
    request.on('end', resolve)
    request.on('error', reject)
  })
}

/** Sends an answer by Node's response. */
export async function sendAnswer(response: ServerResponse, answer: Answer): Promise<void> {
  response.statusCode = answer.status ?? 200
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  const whole = textOf(answer)
  response.setHeader('content-type', whole?.type ?? answer.type ?? '')
  if (whole !== undefined) response.end(whole.text)
  else if (answer.byHand === true) await writeByHand(response, answer)
  else await pipeline(Readable.from(answer.stream ?? []), response)
}

/** Without `pipeline`, which would cut the answer itself if the source fails. */
export async function writeByHand(response: ServerResponse, { type, stream }: Answer): Promise<void> {
  response.setHeader('content-type', type ?? '')
  if (stream !== undefined) for await (const piece of stream) response.write(piece)
  response.end()
}
