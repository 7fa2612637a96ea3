import pg from 'pg'
import { ConfigurationError } from '../../errors.ts'
import { internalsOfClient } from '../wire/pg-internals.ts'

/** A constructor that libraries use as `pg.Pool`. */
export type TenantPoolClass = new (options?: pg.PoolConfig) => pg.Pool

type Listener = Parameters<pg.Pool['on']>[1]

/** The options of pg that say where a pool connects to. */
const PLACE = ['connectionString', 'host', 'port', 'database', 'user'] as const

/**
 * Makes a constructor for libraries that make their own pools. Each `new` gives a handle on `pool`, so the library shares the connections,
 * the limits per tenant and the end of `pool`.
 *
 * - `end()` of a handle ends that handle only: the other users of the pool go on.
 * - Options of a library that concern the size or the time-outs of a pool have no effect. The options of `pool` are in force.
 *
 * The constructor throws {@link ConfigurationError} `PARTYWALL_CONFIGURATION` if the options name another database than that of `pool`.
 */
export function poolClassOf(pool: pg.Pool): TenantPoolClass {
  function Pool(options?: pg.PoolConfig): pg.Pool {
    refuseOtherPlace(pool.options, options)
    return handleOn(pool, Pool)
  }
  // `new` on a function that returns an object gives that object.
  return Pool as unknown as TenantPoolClass
}

/** Returns a handle that looks like `pool`, but whose end() does not end `pool`. */
function handleOn(pool: pg.Pool, Pool: object): pg.Pool {
  const listeners: [string | symbol, Listener][] = []
  let ended = false
  const refuse = (name: string): Error => new Error(`Cannot use a pool after calling end on the pool: ${name}()`)
  const add = (event: string | symbol, listener: Listener): void => {
    listeners.push([event, listener])
    Reflect.apply(pool.on, pool, [event, listener])
  }
  const forget = (only?: unknown): void => {
    for (const [event, listener] of listeners.splice(0)) {
      if (only === undefined || event === only) Reflect.apply(pool.off, pool, [event, listener])
      else listeners.push([event, listener])
    }
  }
  // A library that replaces a method of its pool must not replace it for the rest of the application.
  const replaced = new Map<string | symbol, unknown>()
  const own: Readonly<Record<string, (...values: unknown[]) => unknown>> = {
    end(callback) {
      ended = true
      forget()
      if (typeof callback !== 'function') return Promise.resolve()
      process.nextTick(callback)
      return undefined
    },
    on: (event, listener) => add(event as string, listener as Listener),
    addListener: (event, listener) => add(event as string, listener as Listener),
    // The application's own listeners stay: without a listener for errors, a broken idle connection would end the process.
    removeAllListeners: (event) => forget(event),
    close: () => own['end']?.(),
  }
  const handle: pg.Pool = new Proxy(pool, {
    get(target, name) {
      // A library with another copy of pg recognises a pool by the name of its constructor (PostGraphile).
      if (name === 'constructor') return Pool
      if (replaced.has(name)) return replaced.get(name)
      if (name === 'ended' || name === 'ending') return ended || target[name]
      if (name === 'connect' || name === 'query')
        return (...values: unknown[]) => {
          if (!ended) return Reflect.apply(target[name], target, values)
          return answerError(refuse(name), values.at(-1))
        }
      const special = typeof name === 'string' && Object.hasOwn(own, name) ? own[name] : undefined
      if (special !== undefined)
        return (...values: unknown[]) => {
          const result = special(...values)
          return name === 'end' || name === 'close' ? result : handle
        }
      const value: unknown = Reflect.get(target, name, target)
      // The pool's methods use private fields, which a proxy does not have.
      return typeof value === 'function' && name !== 'Client' ? value.bind(target) : value
    },
    set(_target, name, value) {
      replaced.set(name, value)
      return true
    },
    defineProperty(_target, name, { value }) {
      replaced.set(name, value)
      return true
    },
    deleteProperty: (_target, name) => replaced.delete(name) || true,
    setPrototypeOf: () => false,
  })
  return handle
}

function answerError(error: Error, callback: unknown): Promise<never> | undefined {
  if (typeof callback !== 'function') return Promise.reject(error)
  process.nextTick(callback, error, undefined, () => {})
  return undefined
}

function refuseOtherPlace(own: pg.PoolConfig, given: pg.PoolConfig | undefined): void {
  if (given === undefined || PLACE.every((name) => given[name] === undefined || given[name] === null)) return
  const ours = internalsOfClient(new pg.Client(own)).connectionParameters
  const theirs = internalsOfClient(new pg.Client(given)).connectionParameters
  const named = given.connectionString === undefined ? PLACE.filter((name) => given[name] !== undefined) : PLACE
  const others = named.filter(
    (name) => name !== 'connectionString' && Reflect.get(ours, name) !== Reflect.get(theirs, name),
  )
  if (others.length === 0) return
  throw new ConfigurationError(
    `new wall.Pool(options): the library asks for a connection whose ${others.join(', ')} differ from those of the wall. Leave the connection out of the library’s options: wall.Pool uses the wall’s own.`,
  )
}
