import { tenantStore } from '../context/store.ts'
import { ConfigurationError } from '../errors.ts'

/** Prisma's DataLoader, as far as it is used here: requests of one tick whose `batchBy` agrees go out together. */
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
 * Prisma collects the operations of one tick (`$transaction([…])`, `findUnique`) and sends all of them from the context of whoever came first:
 * another tenant's operations would run as that tenant, reads and writes alike. The extension gives each context a collector of its own.
 * It changes the client that it is given, so that the client without the extension is safe afterwards, too.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` where this release of Prisma collects operations in a way that it does not know
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

/** In place of Prisma's one collector: one for each context. */
class LoaderPerContext implements Loader {
  readonly [PATCHED] = true
  readonly #make: () => Loader
  /** Weak: a context lives as long as its request. */
  readonly #loaders = new WeakMap<object, Loader>()

  constructor(make: () => Loader) {
    this.#make = make
  }

  request(request: unknown): Promise<unknown> {
    // Outside of any context nothing may be shared, either: the pool refuses each on its own.
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

/** Every client that was made by `$extends` shares the handler of the first. */
function requestHandlerOf(client: unknown): RequestHandler {
  const handler = isRecord(client) ? client['_requestHandler'] : undefined
  if (!isRecord(handler) || typeof handler['request'] !== 'function' || !('dataloader' in handler))
    throw unknownPrisma()
  // Just checked, and Prisma's own object: its methods must be called on it.
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

/** That requests really go through `dataloader` is seen, not assumed: a probe must arrive there before anything is awaited. */
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
    handler.request(probe).catch(() => {}) // what it answers does not matter
  } finally {
    handler.dataloader = dataloader
  }
  if (!arrived) throw unknownPrisma()
}

function unknownPrisma(): ConfigurationError {
  return new ConfigurationError(
    'tenantExtension() does not know how this release of Prisma collects operations, so it can’t keep tenants apart. ' +
      'Give it a PrismaClient of Prisma 6 (with a driver adapter) or 7, or look for a newer partywall.',
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object'
}
