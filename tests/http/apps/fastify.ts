import { Readable } from 'node:stream'
import fastify from 'fastify'
import { partywallPlugin } from '../../../src/middleware/fastify.ts'
import { afterFile } from '../../setup/after-file.ts'
import { routesOf, type Setting, shared, textOf } from '../application.ts'
import { chunksOf, writeByHand } from './node-parts.ts'

export async function serveFastify(setting: Setting): Promise<string> {
  const app = fastify({ forceCloseConnections: true })
  await app.register(partywallPlugin, { wall: setting.wall, ...shared(setting.wall) })
  // Uploads are read by the handler.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
  for (const { method, path: url, rule, handle } of routesOf(setting)) {
    const config = rule === undefined ? {} : { partywall: rule }
    app.route<{ Params: Record<string, string> }>({
      method,
      url,
      config,
      async handler(request, reply) {
        const answer = await handle({
          params: request.params,
          query: new URL(request.url, 'http://x').searchParams,
          json: async () => request.body,
          chunks: (onChunk) => chunksOf(request.raw, onChunk),
          setHeader: (name, value) => void reply.header(name, value),
        })
        if (answer.byHand === true) return writeByHand(reply.raw, answer)
        const whole = textOf(answer)
        reply.code(answer.status ?? 200).headers(answer.headers ?? {})
        reply.type(whole?.type ?? answer.type ?? '')
        return reply.send(whole?.text ?? Readable.from(answer.stream ?? []))
      },
    })
  }
  afterFile(() => app.close())
  return app.listen({ port: 0, host: '127.0.0.1' })
}
