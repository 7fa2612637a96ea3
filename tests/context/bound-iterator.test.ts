import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { runWithoutTenant, runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'

const a = { tenantId: 'a', userId: 'u' }
const b = { tenantId: 'b', userId: 'u' }
const who = () => tryGetCurrentTenant()?.tenantId

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of source) found.push(each)
  return found
}

describe('what runWithTenant returns and runs later', () => {
  it('an async generator runs in its own context, wherever it is iterated', async () => {
    const make = () =>
      runWithTenant(a, async function* () {
        yield who()
        await new Promise((resolve) => setImmediate(resolve))
        yield who()
      })
    expect(await all(make())).toEqual(['a', 'a'])
    const made = make()
    expect(await runWithTenant(b, async () => [who(), ...(await all(made)), who()])).toEqual(['b', 'a', 'a', 'b'])
  })

  it('a generator too, and its end when the consumer stops early', () => {
    const seen: unknown[] = []
    const made = runWithTenant(a, function* () {
      try {
        yield who()
        yield who()
      } finally {
        seen.push(who())
      }
    })
    for (const each of made) {
      seen.push(each, who())
      break
    }
    expect(seen).toEqual(['a', undefined, 'a'])
  })

  it('an error that the consumer throws in', async () => {
    const made = runWithTenant(a, async function* () {
      try {
        yield 1
      } catch {
        yield who()
      }
    })
    await made.next()
    expect(await made.throw(new Error('stop'))).toEqual({ done: false, value: 'a' })
  })

  it('an async iterable that makes an iterator for each consumer', async () => {
    const source = runWithTenant(a, () => ({
      [Symbol.asyncIterator]: async function* () {
        yield who()
      },
    }))
    expect(await runWithTenant(b, () => all(source))).toEqual(['a'])
    expect(await all(source)).toEqual(['a'])
  })

  it('an empty context stays with its generator', async () => {
    const made = runWithoutTenant(async function* () {
      yield who()
    })
    expect(await runWithTenant(a, () => all(made))).toEqual([undefined])
  })

  it('keeps the object, and leaves collections and streams alone', () => {
    const list = [1]
    const map = new Map([[1, 2]])
    const stream = Readable.from(['x'])
    const frozen = Object.freeze({ [Symbol.asyncIterator]: async function* () {} })
    for (const each of [list, map, stream, frozen, 'text', null, 7]) expect(runWithTenant(a, () => each)).toBe(each)
    const strict = new Proxy(
      {},
      {
        get: (_target, name) => {
          if (name !== 'then') throw new TypeError('no such property')
        },
      },
    )
    expect(runWithTenant(a, () => strict)).toBe(strict)
    expect(Object.hasOwn(stream, Symbol.asyncIterator)).toBe(false)
    expect(Object.keys(map)).toEqual([])
  })
})
