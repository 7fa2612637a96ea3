import { type RequestHandler, Router } from 'express'
import { NotFoundError } from 'partywall'
import { asyncRoute } from 'partywall/express'
import { listOptions } from './list-query.ts'
import type { Rows } from './rows.ts'

/** Declares the permission that a route needs. */
export type Permit = (permission: string) => RequestHandler

/** List, get, create, update, delete of one table. */
export function resourceRoutes<Row extends object>(name: string, rows: Rows<Row>, permit: Permit): Router {
  const router = Router()

  router.get(
    '/',
    permit(`${name}:read`),
    asyncRoute(async (request, response) => {
      response.json(await rows.findPage(listOptions<Row>(request.query)))
    }),
  )

  router.get(
    '/count',
    permit(`${name}:read`),
    asyncRoute(async (request, response) => {
      response.json({ count: await rows.count({ where: listOptions<Row>(request.query).where }) })
    }),
  )

  router.get(
    '/:id',
    permit(`${name}:read`),
    asyncRoute(async (request, response) => {
      const row = await rows.findById(String(request.params['id']))
      if (row === undefined) throw new NotFoundError(`There is no such row in ${name}.`)
      response.json(row)
    }),
  )

  router.post(
    '/',
    permit(`${name}:create`),
    asyncRoute(async (request, response) => {
      response.status(201).json(await rows.create(request.body))
    }),
  )

  router.post(
    '/bulk',
    permit(`${name}:create`),
    asyncRoute(async (request, response) => {
      response.status(201).json(await rows.createMany(request.body))
    }),
  )

  const update = asyncRoute(async (request, response) => {
    response.json(await rows.update(String(request.params['id']), request.body))
  })
  router.put('/:id', permit(`${name}:update`), update)
  router.patch('/:id', permit(`${name}:update`), update)

  router.delete(
    '/:id',
    permit(`${name}:delete`),
    asyncRoute(async (request, response) => {
      await rows.delete(String(request.params['id']))
      response.status(204).end()
    }),
  )

  return router
}
