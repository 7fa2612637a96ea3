import { ModulesContainer } from '@nestjs/core'
import { ConfigurationError } from '../../errors.ts'
import { type NestRule, ruleOf } from './nest-rules.ts'

/** A handler of a controller. */
export interface NestRoute {
  /** Name of the controller's class and of its method: `DocumentsController.list`. */
  readonly handler: string
  /** The permission, or the reason why none is needed. Absent if nothing is declared. */
  readonly declared?: { readonly permission: string } | { readonly reason: string }
}

/** Result of {@link findUndeclaredRoutes}. */
export interface NestRouteReport {
  readonly routes: readonly NestRoute[]
  readonly undeclared: readonly NestRoute[]
}

/**
 * Walks the controllers of a NestJS application and finds handlers without `@RequirePermission` and `@PublicRoute`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no route, because such a result proves nothing
 */
export function findUndeclaredRoutes(app: { get(token: typeof ModulesContainer): ModulesContainer }): NestRouteReport {
  const routes: NestRoute[] = []
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values())
      if (typeof metatype === 'function') routes.push(...routesOf(metatype))
  }
  if (routes.length === 0) throw new ConfigurationError('findUndeclaredRoutes(app): the application has no routes.')
  return { routes, undeclared: routes.filter(({ declared }) => declared === undefined) }
}

/** Methods of the class and of the classes that it extends. */
function routesOf(controller: object): NestRoute[] {
  const found = new Map<string, NestRoute>()
  for (
    let proto: unknown = Reflect.get(controller, 'prototype');
    isObject(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const name of Object.getOwnPropertyNames(proto)) {
      const method: unknown = Object.getOwnPropertyDescriptor(proto, name)?.value
      if (name === 'constructor' || typeof method !== 'function' || found.has(name) || !isRoute(method)) continue
      const declared = declarationIn(ruleOf(method, controller))
      const handler = `${String(Reflect.get(controller, 'name'))}.${name}`
      found.set(name, declared === undefined ? { handler } : { handler, declared })
    }
  }
  return [...found.values()]
}

function declarationIn({ permission, public: reason }: NestRule): NestRoute['declared'] {
  if (permission !== undefined) return { permission }
  return reason === undefined ? undefined : { reason }
}

/** NestJS's decorators of methods (`@Get()`) keep the path as metadata, with the package `reflect-metadata`. */
function isRoute(method: object): boolean {
  const read: unknown = Reflect.get(Reflect, 'getMetadata')
  return typeof read === 'function' && Reflect.apply(read, Reflect, ['path', method]) !== undefined
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && value !== Object.prototype
