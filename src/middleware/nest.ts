import type { IncomingMessage } from 'node:http'
import { createParamDecorator } from '@nestjs/common'
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core'
import type { Request, Response } from 'express'
import type { FastifyInstance } from 'fastify'
import { getCurrentTenant } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError } from '../errors.ts'
import { type AdapterOptions, type Gates, gatesOf } from '../http/adapter-options.ts'
import { enterExchange } from '../http/node/enter-exchange.ts'
import { failExchange, openExchange, openedRequest } from '../http/node/exchange.ts'
import type { HttpWall } from '../http/request-wall.ts'
import { addTenantHooks, type FastifyCall, takeOverReply } from './fastify-hooks.ts'
import { NestErrorFilter, NestTenantGuard } from './nest/nest-guard.ts'
import type { NestDynamicModule, NestHttpAdapter, NestToken } from './nest/nest-types.ts'
import { responseGuard } from './response-guard.ts'
import { ExpressCall } from './tenant-context.ts'

export { getCurrentTenant, requireTenant } from '../context/run-with-tenant.ts'
export type { HttpWall } from '../http/request-wall.ts'
export { findUndeclaredRoutes, type NestRoute, type NestRouteReport } from './nest/find-undeclared-routes.ts'
export { PublicRoute, RequirePermission, TenantLimit } from './nest/nest-rules.ts'

/** Injects the wall: `constructor(@Inject(WALL) private readonly wall: Partywall) {}`. */
export const WALL: unique symbol = Symbol.for('partywall.nest.wall')
const OPTIONS = Symbol.for('partywall.nest.options')
const INSTALLED = Symbol.for('partywall.nest.installed')

/** Options of {@link PartywallModule}. */
export interface PartywallModuleOptions extends AdapterOptions {
  readonly wall: HttpWall
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((request: IncomingMessage) => string | undefined) | undefined
  /** Requests that belong to no tenant, such as health checks and sign-in. They run without a context and need no token. */
  readonly exclude?: ((request: IncomingMessage) => boolean) | undefined
  /**
   * On Express: where requests are checked. On Fastify the two values do not differ: NestJS always answers CORS before the check.
   *
   * - `first` (default): before all handlers that the application adds with `app.use()` and `app.enableCors()`.
   * - `after-app-use`: after these handlers, and before body parsers and routes. Refusals then have CORS headers, so that browsers on
   *   another origin can read them. But the handlers of `app.use()` run without a tenant. A request that such a handler answers needs no
   *   token.
   */
  readonly mount?: 'first' | 'after-app-use' | undefined
  /** True: a handler with neither `@RequirePermission` nor `@PublicRoute` is refused with 500. Default false. */
  readonly requireDeclarations?: boolean | undefined
}

/** Options that a factory of NestJS makes, for example from a configuration service. */
export interface PartywallModuleAsyncOptions {
  readonly useFactory: (...injected: never[]) => PartywallModuleOptions | Promise<PartywallModuleOptions>
  readonly inject?: readonly NestToken[] | undefined
}

/**
 * The module for NestJS 11 and 12, on Express and on Fastify. Each request needs a token. Its guards, interceptors, pipes and handlers run
 * in the tenant's context. Errors become problem documents.
 *
 * @example
 * ```ts
 * @Module({ imports: [PartywallModule.forRoot({ wall, guard: wall.guard })], controllers: [DocumentsController] })
 * class AppModule {}
 * ```
 * @see RFC 9457 (problem details)
 */
// biome-ignore lint/complexity/noStaticOnlyClass: a module of NestJS is a class
export class PartywallModule {
  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` */
  static forRoot(options: PartywallModuleOptions): NestDynamicModule {
    gatesOf(options.wall, options, 'PartywallModule.forRoot(options)')
    checkMount(options)
    return PartywallModule.forRootAsync({ useFactory: () => options })
  }

  static forRootAsync({ useFactory, inject = [] }: PartywallModuleAsyncOptions): NestDynamicModule {
    return {
      module: PartywallModule,
      global: true,
      imports: [],
      providers: [
        { provide: OPTIONS, useFactory, inject: [...inject] },
        { provide: WALL, useFactory: ({ wall }: PartywallModuleOptions) => wall, inject: [OPTIONS] },
        { provide: INSTALLED, useFactory: install, inject: [OPTIONS, HttpAdapterHost] },
        { provide: APP_GUARD, useFactory: makeGuard, inject: [OPTIONS] },
        {
          provide: APP_FILTER,
          useFactory: (host: HttpAdapterHost) => new NestErrorFilter(() => adapterOf(host)),
          inject: [HttpAdapterHost],
        },
      ],
      exports: [WALL],
    }
  }
}

/** Gives a parameter of a handler the frozen tenant context of the request. @throws {TenantContextMissingError} on an excluded path */
export const CurrentTenant: () => ParameterDecorator = createParamDecorator<undefined>(
  (): TenantContext => getCurrentTenant(),
)

function makeGuard(options: PartywallModuleOptions): NestTenantGuard {
  const { wall, requireDeclarations = false } = options
  return new NestTenantGuard({ wall, gates: gatesOf(wall, options, 'PartywallModule'), requireDeclarations })
}

/**
 * Puts the checks in front of all routes. NestJS makes providers before it adds routes and body parsers, so no route and no body parser
 * comes before the checks.
 */
function install(options: PartywallModuleOptions, host: HttpAdapterHost): true {
  const gates = gatesOf(options.wall, options, 'PartywallModule')
  checkMount(options)
  // With @nestjs/testing the adapter is set after the providers were made, but before routes and body parsers are added.
  if (host.httpAdapter === undefined) host.init$.subscribe(() => installOn(adapterOf(host), options, gates))
  else installOn(host.httpAdapter, options, gates)
  return true
}

function adapterOf({ httpAdapter }: HttpAdapterHost): NestHttpAdapter {
  if (httpAdapter !== undefined) return httpAdapter
  throw new ConfigurationError(
    'PartywallModule works on Express and Fastify, and this application of NestJS has neither.',
  )
}

function installOn(httpAdapter: NestHttpAdapter, options: PartywallModuleOptions, gates: Gates): void {
  // Rate limits are counted later, in NestTenantGuard, because only there the route is known.
  const early = { ...gates, limiter: undefined }
  const type = httpAdapter.getType()
  if (type === 'express') mountOnExpress(httpAdapter, expressHandler(options, early), options.mount)
  else if (type === 'fastify') registerHooks(httpAdapter, options, early)
  else throw new ConfigurationError(`PartywallModule works on Express and Fastify, not on ${type}.`)
}

/** Callers without types may pass anything. With a misspelt value the checks would silently run at another place than the caller chose. */
function checkMount({ mount }: PartywallModuleOptions): void {
  if (mount !== undefined && mount !== 'first' && mount !== 'after-app-use')
    throw new ConfigurationError(`PartywallModule: mount is 'first' or 'after-app-use', not ${JSON.stringify(mount)}.`)
}

function mountOnExpress(httpAdapter: NestHttpAdapter, handler: unknown, mount: PartywallModuleOptions['mount']): void {
  if (mount !== 'after-app-use') {
    httpAdapter.use(handler)
    return
  }
  const init = httpAdapter.init?.bind(httpAdapter)
  httpAdapter.init = async () => {
    await init?.()
    httpAdapter.use(handler)
  }
}

function expressHandler({ wall, agreement, token, exclude }: PartywallModuleOptions, gates: Gates) {
  const { guard, maxBufferBytes } = gates
  // Express computes ETag and length, and drops the body of an answer to HEAD, before Node's response sees the body. So the
  // answer is checked in Express's own response methods.
  const checkAnswer = guard === undefined ? undefined : responseGuard(guard, { maxBufferBytes })
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: ExpressCall) => token(call.request),
  }
  return (request: Request, response: Response, next: () => void): void => {
    if (exclude?.(request) === true) {
      next()
      return
    }
    const http = openExchange(wall, new ExpressCall(request), response, opening)
    enterExchange({ http, request, response, gates: { ...gates, guard: undefined }, rule: {} })
      .then((goesOn) => {
        if (!goesOn) return
        http.run(() => (checkAnswer === undefined ? next() : checkAnswer(request, response, next)))
      })
      .catch((error: unknown) => failExchange(http, request, response, error))
  }
}

function registerHooks(adapter: NestHttpAdapter, options: PartywallModuleOptions, gates: Gates): void {
  const { wall, agreement, token, exclude } = options
  const opening = {
    agreement,
    refuseBlocked: gates.refuseBlocked,
    token: token === undefined ? undefined : (call: FastifyCall) => token(call.request),
  }
  // getInstance() of NestJS's Fastify adapter returns Fastify's own instance.
  const fastify = adapter.getInstance() as FastifyInstance
  addTenantHooks(fastify, {
    wall,
    gates,
    opening,
    exclude: exclude === undefined ? undefined : ({ raw }) => exclude(raw),
    onError(error, request, reply) {
      takeOverReply(reply)
      failExchange(openedRequest(request.raw), request.raw, reply.raw, error)
    },
  })
}
