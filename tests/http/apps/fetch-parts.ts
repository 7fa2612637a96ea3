import { serve as serveFetch } from '@hono/node-server'
import { afterFile } from '../../setup/after-file.ts'
import { type Answer, type Asked, textOf } from '../application.ts'

/** A request of the fetch API for the routes. */
export function askedOf(request: Request, params: Record<string, string>, headers: Headers): Asked {
  return {
    params,
    query: new URL(request.url).searchParams,
    json: () => request.json(),
    async chunks(onChunk) {
      if (request.body !== null) for await (const _chunk of request.body) onChunk()
    },
    setHeader: (name, value) => headers.set(name, value),
  }
}

export function responseOf(answer: Answer, headers: Headers): Response {
  const whole = textOf(answer)
  for (const [name, value] of Object.entries(answer.headers ?? {})) headers.set(name, value)
  headers.set('content-type', whole?.type ?? answer.type ?? '')
  return new Response(whole?.text ?? encoded(answer.stream), { status: answer.status ?? 200, headers })
}

/** The server's reads call `pull`, in whatever context they are. */
function encoded(source: AsyncIterable<string> = { async *[Symbol.asyncIterator]() {} }): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}

/** Serves a fetch handler on loopback until the file's tests are over. */
export function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  return new Promise((resolve) => {
    const server = serveFetch({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    )
    afterFile(() => {
      if ('closeAllConnections' in server) server.closeAllConnections()
      server.close()
    })
  })
}
