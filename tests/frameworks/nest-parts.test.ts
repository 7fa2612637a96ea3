// What partywall/nest adds to the behaviours that all adapters share, on both platforms.
import 'reflect-metadata'
import { BadRequestException, Controller, Get, Inject, Module, Post, Sse } from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR, NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { defer, interval, map, take } from 'rxjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import {
  CurrentTenant,
  findUndeclaredRoutes,
  PartywallModule,
  PublicRoute,
  RequirePermission,
  TenantLimit,
  WALL,
} from '../../src/middleware/nest.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

const roomy = { requestsPerMinute: 10_000, requestsPerDay: 10_000, burstSize: 10_000 }
const seen: unknown[] = []
const who = () => tryGetCurrentTenant()?.tenantId

/** Applies decorators as TypeScript does with `experimentalDecorators`. */
function decorate(
  controller: { readonly prototype: object },
  name: string,
  ...decorators: readonly MethodDecorator[]
): void {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, name)
  if (descriptor === undefined) throw new Error(`no method ${name}`)
  for (const each of decorators) each(controller.prototype, name, descriptor)
}

function makeApplication(wall: Partywall, requireDeclarations: boolean): new () => object {
  class Documents {
    readonly #wall: Partywall
    constructor(injected: Partywall) {
      this.#wall = injected
    }
    async list(tenant: unknown) {
      const { rows } = await this.#wall.pool.query('select count(*)::int as n from documents')
      return { tenant, n: rows[0].n }
    }
    own(): unknown {
      return { ok: true }
    }
    bad(): never {
      throw new BadRequestException(['title must be a string'])
    }
    broken(): never {
      throw new TypeError('secret detail')
    }
    tight(): unknown {
      return { ok: true }
    }
    health(): unknown {
      return { tenant: who() ?? 'none' }
    }
    events(): unknown {
      return defer(() =>
        interval(5).pipe(
          take(3),
          map(() => ({ data: { tenant: who() ?? 'none' } })),
        ),
      )
    }
    undeclared(): unknown {
      return { ok: true }
    }
  }
  Inject(WALL)(Documents, undefined, 0)
  CurrentTenant()(Documents.prototype, 'list', 0)
  decorate(Documents, 'list', Get('documents'), RequirePermission('documents:read'))
  const object = (request: unknown) => ({
    ownerId: Reflect.get(Object(Reflect.get(Object(request), 'query')), 'owner'),
  })
  decorate(Documents, 'own', Get('own'), RequirePermission('documents:edit', { object }))
  decorate(Documents, 'bad', Post('bad'), PublicRoute('fails in a test'))
  decorate(Documents, 'broken', Get('broken'), PublicRoute('fails in a test'))
  decorate(Documents, 'tight', Get('tight'), PublicRoute('counts in a test'), TenantLimit({ route: 'tight' }))
  decorate(Documents, 'health', Get('health'), PublicRoute('health of the process'))
  decorate(Documents, 'events', Sse('events'), PublicRoute('events in a test'))
  decorate(Documents, 'undeclared', Get('undeclared'))
  Reflect.decorate?.([Controller()], Documents)
  class Application {}
  const inContext = (where: string) => ({
    canActivate: () => {
      seen.push([where, who()])
      return true
    },
    intercept: (_context: unknown, next: { handle(): unknown }) => {
      seen.push([where, who()])
      return next.handle()
    },
  })
  const options = {
    wall,
    guard: wall.guard,
    requireDeclarations,
    exclude: ({ url }: { readonly url?: string | undefined }) => url === '/health',
  }
  Reflect.decorate?.(
    [
      Module({
        imports: [PartywallModule.forRootAsync({ useFactory: async () => options })],
        controllers: [Documents],
        providers: [
          { provide: APP_GUARD, useValue: inContext('guard') },
          { provide: APP_INTERCEPTOR, useValue: inContext('interceptor') },
        ],
      }),
    ],
    Application,
  )
  return Application
}

describe.each(['express', 'fastify'] as const)('partywall/nest on %s', (platform) => {
  let url: string
  let strict: string
  let tested: string
  let undeclared: readonly string[]
  let tenant: TestTenant
  let token: (roles: readonly string[]) => Promise<string>

  beforeAll(async () => {
    const database = await createTestDatabase()
    tenant = await createTestTenant(database)
    const { wall, issuer } = await createTestWall(database, {
      access: {
        roles: {
          reader: ['documents:read'],
          writer: [{ permission: 'documents:edit', when: ({ userId }, row) => Reflect.get(row, 'ownerId') === userId }],
        },
      },
      rateLimit: {
        store: createMemoryStore(),
        tiers: { free: roomy, pro: roomy, enterprise: roomy },
        routes: { tight: { requestsPerMinute: 1 } },
      },
    })
    token = (roles) => issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, roles } })
    const start = async (requireDeclarations: boolean) => {
      const application = makeApplication(wall, requireDeclarations)
      const app =
        platform === 'express'
          ? await NestFactory.create(application, { logger: false, forceCloseConnections: true })
          : await NestFactory.create(application, new FastifyAdapter({ forceCloseConnections: true }), {
              logger: false,
            })
      await app.listen(0, '127.0.0.1')
      undeclared = findUndeclaredRoutes(app).undeclared.map(({ handler }) => handler)
      return app
    }
    const startTested = async () => {
      const compiled = await Test.createTestingModule({ imports: [makeApplication(wall, false)] }).compile()
      const app =
        platform === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter())
      await app.listen(0, '127.0.0.1')
      return app
    }
    const apps = [await start(false), await start(true), await startTested()] as const
    afterFile(async () => {
      for (const app of apps) await app.close()
    })
    url = await apps[0].getUrl()
    strict = await apps[1].getUrl()
    tested = await apps[2].getUrl()
  })

  const get = async (path: string, roles: readonly string[] = ['reader'], init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${await token(roles)}` } })

  it('gives handlers the context and the wall, and guards and interceptors too', async () => {
    seen.length = 0
    const answer = await get('/documents')
    expect(await answer.json()).toMatchObject({ tenant: { tenantId: tenant.id, userId: tenant.userId }, n: 1 })
    expect(seen).toEqual([
      ['guard', tenant.id],
      ['interceptor', tenant.id],
    ])
  })

  it('keeps its checks in an application that @nestjs/testing makes: there the adapter comes after the providers', async () => {
    expect((await fetch(`${tested}/documents`)).status).toBe(401)
    const headers = { authorization: `Bearer ${await token(['reader'])}` }
    expect(await (await fetch(`${tested}/documents`, { headers })).json()).toMatchObject({
      tenant: { tenantId: tenant.id },
      n: 1,
    })
  })

  it('checks the permission of the handler', async () => {
    const refused = await get('/documents', ['nobody'])
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ code: 'PARTYWALL_PERMISSION_DENIED' })
  })

  it('loads the object of a permission from the request', async () => {
    expect((await get(`/own?owner=${tenant.userId}`, ['writer'])).status).toBe(200)
    expect((await get('/own?owner=somebody-else', ['writer'])).status).toBe(403)
  })

  it('runs server-sent events in the context', async () => {
    const text = await (await get('/events')).text()
    expect(text.split('\n').filter((line) => line.startsWith('data:'))).toEqual(
      Array.from({ length: 3 }, () => `data: ${JSON.stringify({ tenant: tenant.id })}`),
    )
  })

  it('keeps the answer of a NestJS exception, and hides every other error', async () => {
    const bad = await get('/bad', ['reader'], { method: 'POST' })
    expect(bad.status).toBe(400)
    expect(await bad.json()).toMatchObject({ message: ['title must be a string'] })
    const broken = await get('/broken')
    expect(broken.status).toBe(500)
    expect(broken.headers.get('content-type')).toContain('application/problem+json')
    expect(await broken.text()).not.toContain('secret')
  })

  it('counts a route against its own limit', async () => {
    const statuses = [await get('/tight'), await get('/tight'), await get('/tight')].map(({ status }) => status)
    expect(statuses).toContain(429)
    expect((await get('/documents')).status).toBe(200)
  })

  it('lets an excluded path through, without a context', async () => {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ tenant: 'none' })
    expect((await fetch(`${url}/documents`)).status).toBe(401)
  })

  it('finds handlers without a declaration, and refuses them if asked to', async () => {
    expect(undeclared).toEqual(['Documents.undeclared'])
    expect((await get('/undeclared')).status).toBe(200)
    const headers = { authorization: `Bearer ${await token(['reader'])}` }
    expect((await fetch(`${strict}/undeclared`, { headers })).status).toBe(500)
    expect((await fetch(`${strict}/documents`, { headers })).status).toBe(200)
  })
})
