// Symbol.for, so that two copies of the package recognise each other's marks.
const declaration = Symbol.for('partywall.route-declaration.v1')

/** Declaration of a route: the permission that it requires, or why it requires none. */
export type RouteDeclaration = { readonly permission: string } | { readonly reason: string }

/** Marks a handler of a framework. @returns the handler */
export function declareRoute<Handler extends object>(handler: Handler, declared: RouteDeclaration): Handler {
  Object.defineProperty(handler, declaration, { value: Object.freeze(declared) })
  return handler
}

/** The declaration of a handler. Undefined if the handler declares nothing. */
export function declarationOf(handler: unknown): RouteDeclaration | undefined {
  if (typeof handler !== 'function') return undefined
  const declared: unknown = Reflect.get(handler, declaration)
  if (typeof declared !== 'object' || declared === null) return undefined
  return isDeclaration(declared) ? declared : undefined
}

function isDeclaration(declared: object): declared is RouteDeclaration {
  return typeof Reflect.get(declared, 'permission') === 'string' || typeof Reflect.get(declared, 'reason') === 'string'
}
