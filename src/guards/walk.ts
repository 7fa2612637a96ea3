import { types } from 'node:util'
import { type FindingKind, type GuardFinding, showId } from './finding.ts'
import type { GuardPolicy } from './guard-policy.ts'
import { idOfObject, judgeTenantValue } from './tenant-value.ts'

type Readable = Readonly<Record<string, unknown>>

/** A finding while it is returned to the top. Each level appends its step, so the path is innermost first and is reversed at the top. */
interface Found {
  readonly kind: FindingKind
  readonly steps: string[]
  readonly attemptedTenantId?: string
}

/** State of one search through a value. */
interface Walk {
  readonly tenantId: string
  readonly policy: GuardPolicy
  readonly first: string | undefined
  readonly second: string | undefined
  readonly seen: Set<object>
  left: number
}

const plain = Object.prototype
const dateToJson = Date.prototype.toJSON

/**
 * Searches a value for a tenant field that names another tenant than `tenantId`.
 *
 * Reads what code can reach and what `JSON.stringify` would send: own and inherited enumerable properties, tenant fields
 * behind prototype getters, elements, entries of Map and Set, and the result of `toJSON`. Each object is visited once and
 * each property read once, so no getter runs twice. Nothing is changed. Byte arrays, functions, symbols and the results of pending
 * promises are not checked.
 */
export function findInValue(value: unknown, tenantId: string, policy: GuardPolicy): GuardFinding | undefined {
  if (!isReadable(value) && typeof value !== 'function') return undefined
  const [first, second] = policy.fields
  const walk: Walk = { tenantId, policy, first, second, seen: new Set(), left: policy.maxNodes }
  try {
    const found = visit(walk, value, 1)
    return found === undefined ? undefined : toFinding(found)
  } catch (cause) {
    return { kind: 'unreadable', path: [], cause }
  }
}

function toFinding(found: Found): GuardFinding {
  const { kind, steps, attemptedTenantId } = found
  const path = steps.reverse()
  return attemptedTenantId === undefined ? { kind, path } : { kind, path, attemptedTenantId }
}

function isReadable(value: unknown): value is Readable {
  return typeof value === 'object' && value !== null
}

function at(step: string, found: Found): Found {
  found.steps.push(step)
  return found
}

/** @param asJson whether to call `toJSON`. As in JSON.stringify, `toJSON` is not called on a result of `toJSON`. */
function visit(walk: Walk, value: unknown, depth: number, asJson = true): Found | undefined {
  // JSON.stringify also calls toJSON of a function. A function without toJSON is no data.
  if (typeof value === 'function') {
    return asJson && isNew(walk, value) ? visitJsonForm(walk, value, Reflect.get(value, 'toJSON'), depth) : undefined
  }
  if (!isReadable(value)) return undefined
  if (Array.isArray(value)) return isNew(walk, value) ? visitArray(walk, value, depth) : undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === plain || prototype === null) {
    return isNew(walk, value) ? visitProperties(walk, value, depth, true, asJson) : undefined
  }
  if (isOpaque(value) || !isNew(walk, value)) return undefined
  return visitCollection(walk, value, depth) ?? visitProperties(walk, value, depth, false, asJson)
}

function isNew(walk: Walk, value: object): boolean {
  const before = walk.seen.size
  walk.seen.add(value)
  return walk.seen.size !== before
}

/** Values that hold no properties of interest: dates, bytes, boxed primitives. */
function isOpaque(value: Readable): boolean {
  if (value instanceof Date) return value.toJSON === dateToJson
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isBoxedPrimitive(value)
}

function visitArray(walk: Walk, value: readonly unknown[], depth: number): Found | undefined {
  const { length } = value
  walk.left -= length + 1
  if (walk.left < 0) return { kind: 'too-large', steps: [] }
  if (depth > walk.policy.maxDepth) return { kind: 'too-deep', steps: [] }
  for (let index = 0; index < length; index++) {
    const element = value[index]
    if (typeof element !== 'object' && typeof element !== 'function') continue
    const found = visit(walk, element, depth + 1)
    if (found !== undefined) return at(String(index), found)
  }
  return undefined
}

function visitProperties(
  walk: Walk,
  value: Readable,
  depth: number,
  isPlain: boolean,
  asJson: boolean,
): Found | undefined {
  if (--walk.left < 0) return { kind: 'too-large', steps: [] }
  if (depth > walk.policy.maxDepth) return { kind: 'too-deep', steps: [] }
  const { first, second, policy } = walk
  const many = policy.fields.length > 2
  const toJson = value['toJSON']
  let present = false
  let fieldsRead: string[] | undefined
  for (const key in value) {
    if (key === 'toJSON') continue
    const property = value[key]
    if (key === first || key === second || (many && policy.fieldSet.has(key))) {
      if (property !== undefined) present = true
      if (!isPlain) {
        fieldsRead ??= []
        fieldsRead.push(key)
      }
      const found = judgeField(walk, property, depth)
      if (found !== undefined) return at(key, found)
    } else if (typeof property === 'object' || typeof property === 'function') {
      const found = visit(walk, property, depth + 1)
      if (found !== undefined) return at(key, found)
    }
  }
  if (!isPlain) {
    for (const field of policy.fields) {
      if (fieldsRead?.includes(field)) continue
      const property = value[field]
      if (property === undefined) continue
      present = true
      const found = judgeField(walk, property, depth)
      if (found !== undefined) return at(field, found)
    }
  }
  if (!present && policy.entities.length > 0 && policy.entities.some((isEntity) => isEntity(value))) {
    return { kind: 'missing-tenant', steps: [] }
  }
  return asJson ? visitJsonForm(walk, value, toJson, depth) : undefined
}

/** Searches the result of `toJSON`, which is what would be sent. */
function visitJsonForm(walk: Walk, value: unknown, toJson: unknown, depth: number): Found | undefined {
  if (typeof toJson !== 'function') return undefined
  if (--walk.left < 0) return { kind: 'too-large', steps: [] }
  const form: unknown = Reflect.apply(toJson, value, [''])
  const found = visit(walk, form, depth + 1, false)
  return found === undefined ? undefined : at('toJSON()', found)
}

/** Searches the entries of a Map or Set. Undefined also for other objects, whose properties are searched afterwards. */
function visitCollection(walk: Walk, value: object, depth: number): Found | undefined {
  const isMap = types.isMap(value)
  // A proxy has no internal slots of a Map or Set, so its entries are read through its own iterator.
  if (isMap || value instanceof Map) {
    const entries: Iterable<readonly [unknown, unknown]> = isMap ? Map.prototype.entries.call(value) : value.entries()
    for (const [key, entry] of entries) {
      if (--walk.left < 0) return { kind: 'too-large', steps: [] }
      const isField = typeof key === 'string' && walk.policy.fieldSet.has(key)
      const found = isField
        ? judgeField(walk, entry, depth)
        : (visit(walk, key, depth + 1) ?? visit(walk, entry, depth + 1))
      if (found !== undefined) return at('<entry>', found)
    }
    return undefined
  }
  const isSet = types.isSet(value)
  if (isSet || value instanceof Set) {
    const elements: Iterable<unknown> = isSet ? Set.prototype.values.call(value) : value.values()
    for (const element of elements) {
      if (--walk.left < 0) return { kind: 'too-large', steps: [] }
      const found = visit(walk, element, depth + 1)
      if (found !== undefined) return at('<entry>', found)
    }
  }
  return undefined
}

function judgeField(walk: Walk, value: unknown, depth: number): Found | undefined {
  if (value === walk.tenantId || value === undefined) return undefined
  if (isReadable(value)) return judgeObjectField(walk, value, depth)
  const verdict = judgeTenantValue(value, walk.tenantId, walk.policy.sameTenant)
  if (verdict === 'same') return undefined
  if (verdict === 'foreign') return { kind: 'foreign-tenant', steps: [], attemptedTenantId: showId(value) }
  return walk.policy.strict ? { kind: 'empty-tenant', steps: [] } : undefined
}

/** Each id of a list must name this tenant. An id as an object (binary, boxed, with toJSON) is converted first. */
function judgeObjectField(walk: Walk, value: Readable, depth: number): Found | undefined {
  if (depth > walk.policy.maxDepth) return { kind: 'too-deep', steps: [] }
  if (Array.isArray(value) || types.isSet(value)) {
    if (!isNew(walk, value)) return undefined
    const elements: Iterable<unknown> = value
    for (const element of elements) {
      if (--walk.left < 0) return { kind: 'too-large', steps: [] }
      const found = judgeField(walk, element, depth + 1)
      if (found !== undefined) return at('<entry>', found)
    }
    return undefined
  }
  const id = idOfObject(value)
  if (id !== undefined) return judgeField(walk, id, depth + 1)
  const toJson = value['toJSON']
  const form: unknown = typeof toJson === 'function' ? Reflect.apply(toJson, value, ['']) : undefined
  if (form !== undefined && !isReadable(form)) return judgeField(walk, form, depth + 1)
  if (walk.policy.strict) return { kind: 'empty-tenant', steps: [] }
  return visit(walk, value, depth + 1, false) ?? visit(walk, form, depth + 1, false)
}
