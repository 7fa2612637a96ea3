// Where partywall's module checks requests on Express: before or after what the application adds with app.use() and app.enableCors().
import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { PartywallModule } from '../../src/middleware/nest.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

const FRONTEND = 'https://app.example'
type Mount = 'first' | 'after-app-use' | undefined

describe('partywall/nest on Express', () => {
  let wall: Partywall
  let tenant: TestTenant
  let token: string
  const seen: unknown[] = []

  beforeAll(async () => {
    const database = await createTestDatabase()
    tenant = await createTestTenant(database)
    const made = await createTestWall(database)
    wall = made.wall
    token = await made.issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, roles: ['member'] } })
  })

  async function start(mount: Mount): Promise<string> {
    class Documents {
      async list() {
        return (await wall.pool.query('select tenant_id from documents')).rows
      }
    }
    const list = Object.getOwnPropertyDescriptor(Documents.prototype, 'list')
    if (list === undefined) throw new Error('no method list')
    Get('documents')(Documents.prototype, 'list', list)
    Reflect.decorate?.([Controller()], Documents)
    class Application {}
    Reflect.decorate?.(
      [Module({ imports: [PartywallModule.forRoot({ wall, mount })], controllers: [Documents] })],
      Application,
    )
    const app = await NestFactory.create(Application, { logger: false, forceCloseConnections: true })
    app.enableCors({ origin: FRONTEND })
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      seen.push(tryGetCurrentTenant()?.tenantId ?? 'none')
      next()
    })
    app.use('/own', async (_request: unknown, response: { json(body: unknown): void }) => {
      const answer = await wall.pool.query('select 1').then(
        () => 'answered',
        (error: unknown) => Reflect.get(Object(error), 'code'),
      )
      response.json({ answer })
    })
    await app.listen(0, '127.0.0.1')
    afterFile(() => app.close())
    return app.getUrl()
  }
  const ask = (url: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(url, { headers: { origin: FRONTEND, ...headers } })
  const origin = (answer: Response) => answer.headers.get('access-control-allow-origin')

  it('gives refusals the headers of CORS after the handlers of the application', async () => {
    const url = await start('after-app-use')
    seen.length = 0
    const refused = await ask(`${url}/documents`)
    expect([refused.status, origin(refused)]).toEqual([401, FRONTEND])
    const answer = await ask(`${url}/documents`, { authorization: `Bearer ${token}` })
    expect([answer.status, origin(answer)]).toEqual([200, FRONTEND])
    expect(await answer.json()).toEqual([{ tenant_id: tenant.id }])
    expect(seen).toEqual(['none', 'none'])
  })

  it('gives those handlers no tenant and no statement then', async () => {
    const answer = await ask(`${await start('after-app-use')}/own`)
    expect(await answer.json()).toEqual({ answer: 'PARTYWALL_CONTEXT_MISSING' })
  })

  it('checks before them by default', async () => {
    for (const mount of [undefined, 'first'] as const) {
      const url = await start(mount)
      seen.length = 0
      for (const path of ['/documents', '/own']) {
        const refused = await ask(url + path)
        expect([refused.status, origin(refused)]).toEqual([401, null])
      }
      expect(seen).toEqual([])
      await ask(`${url}/documents`, { authorization: `Bearer ${token}` })
      expect(seen).toEqual([tenant.id])
    }
  })

  it('refuses a place that it does not know', () => {
    const mount: Mount = JSON.parse('"after"')
    expect(() => PartywallModule.forRoot({ wall, mount })).toThrow(/mount is 'first' or 'after-app-use', not "after"/)
  })
})
