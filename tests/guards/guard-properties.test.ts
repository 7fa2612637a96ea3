import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPolicy } from '../../src/guards/guard-policy.ts'
import { findInJson } from '../../src/guards/json-text.ts'
import { findInValue } from '../../src/guards/walk.ts'
import { otherTenant, ownTenant } from './context.ts'

const policy = readPolicy({}, 'test')
const numRuns = 2_000

/** Counts how often each getter of a graph was called. */
interface Graph {
  readonly root: unknown
  readonly calls: Map<string, number>
}

class Entity {
  declare readonly tenant_id: string
  readonly content: unknown
  constructor(tenantId: string, content: unknown) {
    this.tenant_id = tenantId
    this.content = content
  }
}

/** The tenant field stands behind a getter of the prototype, as in an ORM's model. */
class Model {
  readonly #tenantId: string
  readonly content: unknown
  constructor(tenantId: string, content: unknown) {
    this.#tenantId = tenantId
    this.content = content
  }
  get tenantId(): string {
    return this.#tenantId
  }
}

/** Everything is private; only `toJSON` gives it out. */
class Closed {
  readonly #form: unknown
  constructor(form: unknown) {
    this.#form = form
  }
  toJSON(): unknown {
    return this.#form
  }
}

const wrappers = [
  'array',
  'object',
  'map',
  'mapKey',
  'set',
  'getter',
  'proxy',
  'entity',
  'model',
  'closed',
  'nullPrototype',
  'cycle',
  'twice',
  'bytesBeside',
] as const
const carriers = [
  'tenant_id',
  'tenantId',
  'map',
  'entity',
  'model',
  'getter',
  'list',
  'boxed',
  'upper',
  'toJSON',
] as const

type Wrapper = (typeof wrappers)[number]
type Carrier = (typeof carriers)[number]

function carry(tenantId: string, carrier: Carrier, count: (name: string) => void): unknown {
  switch (carrier) {
    case 'tenant_id':
      return { id: 1, tenant_id: tenantId, title: 'x' }
    case 'tenantId':
      return { tenantId }
    case 'map':
      return new Map<unknown, unknown>([
        ['id', 1],
        ['tenant_id', tenantId],
      ])
    case 'entity':
      return new Entity(tenantId, null)
    case 'model':
      return new Model(tenantId, 'x')
    case 'getter':
      return {
        get tenant_id() {
          count('carrier')
          return tenantId
        },
      }
    case 'list':
      return { tenantId: [tenantId, tenantId] }
    case 'boxed':
      return { tenant_id: Object(tenantId) }
    case 'upper':
      return { tenant_id: tenantId.toUpperCase() }
    case 'toJSON':
      return { tenant_id: { toJSON: () => tenantId } }
  }
}

function wrap(inner: unknown, wrapper: Wrapper, level: number, count: (name: string) => void): unknown {
  const own = { tenant_id: ownTenant, level }
  switch (wrapper) {
    case 'array':
      return [own, null, inner, undefined, 7]
    case 'object':
      return { ...own, inner, at: new Date(0), nothing: null }
    case 'map':
      return new Map<unknown, unknown>([
        ['own', own],
        ['inner', inner],
      ])
    case 'mapKey':
      return new Map<unknown, unknown>([[{ inner }, 'value']])
    case 'set':
      return new Set<unknown>([own, inner])
    case 'getter':
      return {
        own,
        get inner() {
          count(`level ${level}`)
          return inner
        },
      }
    case 'proxy':
      return new Proxy({ own, inner }, {})
    case 'entity':
      return new Entity(ownTenant, inner)
    case 'model':
      return new Model(ownTenant, inner)
    case 'closed':
      return new Closed({ inner })
    case 'nullPrototype':
      return Object.assign(Object.create(null), { inner })
    case 'cycle': {
      const loop: Record<string, unknown> = { inner }
      loop['self'] = loop
      return loop
    }
    case 'twice':
      return { left: inner, right: [inner] }
    case 'bytesBeside':
      return { bytes: Buffer.from(otherTenant), view: new Float64Array(4), inner, fn: () => otherTenant }
  }
}

function build(tenantId: string, carrier: Carrier, path: readonly Wrapper[]): Graph {
  const calls = new Map<string, number>()
  const count = (name: string) => calls.set(name, (calls.get(name) ?? 0) + 1)
  let root = carry(tenantId, carrier, count)
  path.forEach((wrapper, level) => {
    root = wrap(root, wrapper, level, count)
  })
  return { root, calls }
}

const anyPath = fc.array(fc.constantFrom(...wrappers), { maxLength: 12 })
const anyCarrier = fc.constantFrom(...carriers)

/** Frozen data throws where it is written to; the graph's own objects are frozen from the outside in. */
function freezeDeep(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return
  seen.add(value)
  Object.freeze(value)
  for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(value))) freezeDeep(descriptor.value, seen)
}

describe('the guard on random object graphs', () => {
  it('always finds a foreign id, wherever it is planted', () => {
    fc.assert(
      fc.property(anyCarrier, anyPath, (carrier, path) => {
        const found = findInValue(build(otherTenant, carrier, path).root, ownTenant, policy)
        return found?.kind === 'foreign-tenant' && found.attemptedTenantId?.toLowerCase() === otherTenant
      }),
      { numRuns },
    )
  })

  it('never alarms on data of the own tenant alone', () => {
    fc.assert(
      fc.property(
        anyCarrier,
        anyPath,
        (carrier, path) => findInValue(build(ownTenant, carrier, path).root, ownTenant, policy) === undefined,
      ),
      { numRuns },
    )
  })

  it('never alarms on random data without tenant fields, and never throws', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: false,
    })
    fc.assert(
      fc.property(anything, (value) => findInValue(value, ownTenant, policy) === undefined),
      { numRuns },
    )
  })

  it('calls no getter twice and changes nothing, not even of frozen data', () => {
    fc.assert(
      fc.property(anyCarrier, anyPath, fc.boolean(), (carrier, path, foreign) => {
        const graph = build(foreign ? otherTenant : ownTenant, carrier, path)
        freezeDeep(graph.root)
        findInValue(graph.root, ownTenant, policy)
        return [...graph.calls.values()].every((times) => times === 1)
      }),
      { numRuns },
    )
  })

  it('asks a watching proxy for each property once and never writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (content) => {
        const reads = new Map<PropertyKey, number>()
        const watched = new Proxy(content, {
          get(target, key, receiver) {
            reads.set(key, (reads.get(key) ?? 0) + 1)
            return Reflect.get(target, key, receiver)
          },
          set: () => false,
          defineProperty: () => false,
          deleteProperty: () => false,
        })
        findInValue({ watched }, ownTenant, policy)
        return [...reads.values()].every((times) => times === 1)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the guard on JSON text', () => {
  const spaces = fc.constantFrom(0, 2, '\t')

  it('finds a foreign id wherever JSON.stringify puts it', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.jsonValue(), spaces, (before, after, space) => {
        const text = JSON.stringify([...before, { a: { tenantId: otherTenant, after } }], null, space)
        expect(findInJson(text, ownTenant, policy)?.kind).toBe('foreign-tenant')
      }),
    )
  })

  it('never alarms on strings that only look like a tenant field', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 3 }), spaces, (noise, depth, space) => {
        let text = `${noise}{"tenant_id":"${otherTenant}"}${noise}`
        for (let level = 0; level < depth; level++) text = JSON.stringify(text)
        const sent = JSON.stringify({ note: text, list: [text, 'tenant_id', ':'], tenant_id: ownTenant }, null, space)
        expect(findInJson(sent, ownTenant, policy)).toBeUndefined()
      }),
    )
  })

  it('agrees with the walk of the parsed text', () => {
    const id = fc.constantFrom<unknown>(ownTenant, otherTenant, ownTenant.toUpperCase(), 7, 0, null, '', true)
    const record = fc.record({ tenant_id: fc.oneof(id, fc.array(id, { maxLength: 3 })), note: fc.string() })
    fc.assert(
      fc.property(fc.array(record), fc.boolean(), (records, strict) => {
        const either = readPolicy({ strict }, 'test')
        const walked = findInValue(records, ownTenant, either)
        expect(findInJson(JSON.stringify(records), ownTenant, either)?.kind).toBe(walked?.kind)
      }),
      { numRuns },
    )
  })
})
