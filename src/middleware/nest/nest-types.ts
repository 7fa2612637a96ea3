/** NestJS's `ExecutionContext` and `ArgumentsHost`, as far as the adapter reads them. */
export interface NestExecutionContext {
  getType(): string
  getHandler(): object
  getClass(): object
  switchToHttp(): { getRequest(): unknown; getResponse(): unknown }
}

/** NestJS's HTTP adapter of Express or Fastify. */
export interface NestHttpAdapter {
  getType(): string
  getInstance(): unknown
  /** NestJS calls it after `app.use()` of the application, and before it adds body parsers and routes. */
  init?(): Promise<void>
  use(...handlers: readonly unknown[]): unknown
  reply(response: unknown, body: unknown, status?: number): unknown
}

/** A token by which NestJS injects. */
export type NestToken = string | symbol | (abstract new (...args: never[]) => unknown)

/** A provider of NestJS. */
interface NestProvider {
  readonly provide: string | symbol
  readonly useFactory: (...injected: never[]) => unknown
  readonly inject: NestToken[]
}

/** NestJS's `DynamicModule`. */
export interface NestDynamicModule {
  readonly module: new () => object
  readonly global: true
  readonly imports: never[]
  readonly providers: NestProvider[]
  readonly exports: symbol[]
}
