import { tenantStore } from '../context/store.ts'
import { ConfigurationError } from '../errors.ts'

/**
 * The part of Prisma's DataLoader that the extension uses. The loader sends the requests of one tick of the event loop together, if their
 * `batchBy` is equal.
 */
interface Loader {
  request(request: unknown): Promise<unknown>
}
type LoaderConstructor = new (options: object) => Loader

interface RequestHandler {
  dataloader: unknown
  request(request: unknown): Promise<unknown>
}

const PATCHED: unique symbol = Symbol('partywall.prisma')

/**
 * An extension of a Prisma client that keeps tenants apart: `prisma.$extends(tenantExtension())`.
 *
 * Prisma collects the operations of one tick of the event loop (`$transaction([…])`, `findUnique`), and sends all of them in the context of
 * the first caller. Reads and writes of another tenant would then run as the first caller's tenant. The extension gives each context its
 * own collector. It changes the given client itself, so afterwards the client is also safe if it is used without the extension.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if this release of Prisma collects operations in a way that the extension does not
 *   know
 * @example
 * ```ts
 * const prisma = new PrismaClient({ adapter: new PrismaPg(wall.pool) }).$extends(tenantExtension())
 * ```
 * @see https://www.prisma.io/docs/orm/prisma-client/queries/query-optimization-performance (automatic batching of findUnique)
 */
export function tenantExtension(): <Client>(client: Client) => Client {
  return (client) => {
    separateContexts(requestHandlerOf(client))
    return client
  }
}

/** Replaces Prisma's single collector by one collector per context. */
class LoaderPerContext implements Loader {
  readonly [PATCHED] = true
  readonly #make: () => Loader
  /** Weak, so that a context is freed after its request. */
  readonly #loaders = new WeakMap<object, Loader>()

  constructor(make: () => Loader) {
    this.#make = make
  }

  request(request: unknown): Promise<unknown> {
    // Outside of any context each operation gets its own collector, so that the pool refuses each one separately.
    const frame = tenantStore.getStore()
    if (frame === undefined) return this.#make().request(request)
    let loader = this.#loaders.get(frame)
    if (loader === undefined) {
      loader = this.#make()
      this.#loaders.set(frame, loader)
    }
    return loader.request(request)
  }
}

function separateContexts(handler: RequestHandler): void {
  const { dataloader } = handler
  if (isRecord(dataloader) && PATCHED in dataloader) return
  const { Loader, options } = readLoader(dataloader)
  assertAsked(handler)
  handler.dataloader = new LoaderPerContext(() => new Loader(options))
}

/** All clients that `$extends` made share the request handler of the first client. */
function requestHandlerOf(client: unknown): RequestHandler {
  const handler = isRecord(client) ? client['_requestHandler'] : undefined
  if (!isRecord(handler) || typeof handler['request'] !== 'function' || !('dataloader' in handler))
    throw unknownPrisma()
  // The shape was checked above. Keep Prisma's own object, because its methods use `this`.
  return handler as unknown as RequestHandler
}

function readLoader(dataloader: unknown): { readonly Loader: LoaderConstructor; readonly options: object } {
  if (!isRecord(dataloader) || typeof dataloader['request'] !== 'function') throw unknownPrisma()
  const options: unknown = dataloader['options']
  const parts = ['batchBy', 'batchLoader', 'singleLoader'] as const
  if (!isRecord(options) || parts.some((part) => typeof options[part] !== 'function')) throw unknownPrisma()
  const made: unknown = dataloader.constructor
  if (typeof made !== 'function' || made === Object) throw unknownPrisma()
  const Loader = made as LoaderConstructor
  const again: unknown = new Loader(options)
  if (!isRecord(again) || again['options'] !== options) throw unknownPrisma()
  return { Loader, options }
}

/** Checks that requests really go through `dataloader`: a probe must arrive there synchronously. */
function assertAsked(handler: RequestHandler): void {
  const { dataloader } = handler
  const probe = {}
  let arrived = false
  handler.dataloader = {
    request(request: unknown) {
      arrived ||= request === probe
      return Promise.resolve()
    },
  }
  try {
    handler.request(probe).catch(() => {}) // its answer does not matter
  } finally {
    handler.dataloader = dataloader
  }
  if (!arrived) throw unknownPrisma()
}

function unknownPrisma(): ConfigurationError {
  return new ConfigurationError(
    'tenantExtension() does not know how this release of Prisma collects operations, so it can’t keep tenants apart. ' +
      'Give it a PrismaClient of Prisma 7, or look for a newer partywall.',
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object'
}
