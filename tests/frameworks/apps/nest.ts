import 'reflect-metadata'
import { pipeline, Readable } from 'node:stream'
import { Controller, Get, Module, Post, Put, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { PartywallModule, PublicRoute, RequirePermission, TenantLimit } from '../../../src/middleware/nest.ts'
import { type Route, routesOf, type Setting, shared, textOf } from '../../http/application.ts'
import { chunksOf, writeByHand } from '../../http/apps/node-parts.ts'
import { afterFile } from '../../setup/after-file.ts'

const verbs = { GET: Get, POST: Post, PUT: Put }

/** What handlers get from NestJS on both platforms. */
interface NestRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: unknown
  readonly url: string
  readonly body: unknown
  readonly raw?: import('node:http').IncomingMessage
}

/** Serves the routes as one controller with a method for each. Decorators are called as functions, as TypeScript does. */
export function serveNest(platform: 'express' | 'fastify'): (setting: Setting) => Promise<string> {
  return async (setting) => {
    class Routes {}
    for (const [place, route] of routesOf(setting).entries()) addRoute(Routes, `route${place}`, route, platform)
    Reflect.decorate?.([Controller()], Routes)
    class Application {}
    Reflect.decorate?.(
      [
        Module({
          imports: [PartywallModule.forRoot({ wall: setting.wall, ...shared(setting.wall) })],
          controllers: [Routes],
        }),
      ],
      Application,
    )
    const options = { logger: false, forceCloseConnections: true } as const
    const adapter = new FastifyAdapter({ forceCloseConnections: true })
    const app =
      platform === 'express'
        ? await NestFactory.create(Application, options)
        : await NestFactory.create(Application, adapter, options)
    if (platform === 'fastify')
      adapter
        .getInstance()
        .addContentTypeParser(
          'application/octet-stream',
          (_request: unknown, _payload: unknown, done: (error: null) => void) => done(null),
        )
    afterFile(() => app.close())
    await app.listen(0, '127.0.0.1')
    return app.getUrl()
  }
}

function addRoute(controller: new () => object, name: string, route: Route, platform: 'express' | 'fastify'): void {
  const { permission, public: reason, route: limit } = route.rule ?? {}
  const proto: object = controller.prototype
  Object.defineProperty(proto, name, {
    configurable: true,
    writable: true,
    async value(request: NestRequest, response: never) {
      const raw = request.raw ?? (request as never)
      const answer = await route.handle({
        params: request.params,
        query: new URL(request.url, 'http://x').searchParams,
        json: async () => request.body,
        chunks: (onChunk) => chunksOf(raw, onChunk),
        setHeader: (header, value) => void sender(platform, response).header(header, value),
      })
      if (answer.byHand === true) return writeByHand(rawResponse(platform, response), answer)
      const whole = textOf(answer)
      const reply = sender(platform, response)
      for (const [header, value] of Object.entries(answer.headers ?? {})) reply.header(header, value)
      reply.status(answer.status ?? 200)
      reply.header('content-type', whole?.type ?? answer.type ?? 'text/plain')
      reply.send(whole?.text ?? Readable.from(answer.stream ?? []))
    },
  })
  const descriptor = Object.getOwnPropertyDescriptor(proto, name)
  Req()(proto, name, 0)
  Res()(proto, name, 1)
  const decorators = [verbs[route.method](route.path)]
  if (permission !== undefined) decorators.push(RequirePermission(permission))
  if (reason !== undefined) decorators.push(PublicRoute(reason))
  if (limit !== undefined) decorators.push(TenantLimit({ route: limit }))
  if (descriptor !== undefined) for (const decorate of decorators) decorate(proto, name, descriptor)
}

interface Sender {
  header(name: string, value: string): void
  status(code: number): void
  send(body: string | Readable): void
}

function rawResponse(platform: 'express' | 'fastify', response: never): import('node:http').ServerResponse {
  if (platform === 'express') return response
  const reply: import('fastify').FastifyReply = response
  return reply.raw
}

function sender(platform: 'express' | 'fastify', response: never): Sender {
  if (platform === 'fastify') return response
  const express: import('express').Response = response
  return {
    header: (name, value) => void express.setHeader(name, value),
    status: (code) => void express.status(code),
    send: (body) => {
      if (typeof body === 'string') express.send(body)
      else pipeline(body, express, () => {})
    },
  }
}
