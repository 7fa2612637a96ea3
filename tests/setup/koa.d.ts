// Koa has no types of its own; these are the parts that the tests use.
declare module 'koa' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  interface Context {
    readonly req: IncomingMessage
    readonly res: ServerResponse
    readonly hostname: string
    readonly path: string
    readonly ip: string
    readonly method: string
    type: string
    status: number
    body: unknown
    respond?: boolean
    onerror(error: Error | null): void
    set(headers: Readonly<Record<string, string>>): void
  }
  export default class Koa {
    use(middleware: (context: Context, next: () => Promise<unknown>) => Promise<void>): this
    callback(): RequestListener
  }
}
