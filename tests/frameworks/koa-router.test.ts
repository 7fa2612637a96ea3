import Router, { type RouterMiddleware } from '@koa/router'
import { beforeAll, expect, it } from 'vitest'
import { findUndeclaredRoutes, publicRoute, requirePermission } from '../../src/middleware/koa.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

let wall: Partywall
beforeAll(async () => {
  const made = await createTestWall(await createTestDatabase(), { access: { roles: { admin: ['documents:*'] } } })
  wall = made.wall
})

it('finds undeclared routes of @koa/router', () => {
  const may = (permission: string) => requirePermission(wall.access, permission) as unknown as RouterMiddleware
  const ok: RouterMiddleware = (context: { body: unknown }) => {
    context.body = 'ok'
  }
  const router = new Router()
  router.get('/declared', may('documents:read'), ok)
  router.get('/public', publicRoute('tells only the time') as unknown as RouterMiddleware, ok)
  router.get('/open', ok)
  router.post('/behind', ok, may('documents:read'))
  router.use('/admin', may('documents:admin'))
  router.get('/admin/users', ok)
  router.get('/administration', ok)
  const inner = new Router({ prefix: '/inner' })
  inner.get('/open', ok)
  inner.get('/declared', may('documents:read'), ok)
  router.use(inner.routes())
  const { undeclared } = findUndeclaredRoutes(router)
  expect(undeclared.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /open',
    'POST /behind',
    'GET /administration',
    'GET /inner/open',
  ])
  expect(() => findUndeclaredRoutes(new Router())).toThrow('there is no route')
  expect(() => findUndeclaredRoutes({} as never)).toThrow('@koa/router')
})
