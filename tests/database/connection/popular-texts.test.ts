import { describe, expect, it } from 'vitest'
import { PopularTexts } from '../../../src/database/connection/prepared/popular-texts.ts'
import { RecentTexts } from '../../../src/database/connection/prepared/recent-texts.ts'

describe('texts that came lately', () => {
  it('are forgotten when others came after them, and not when they are asked for in between', () => {
    const texts = new RecentTexts<number>(10, 1_000)
    texts.set('hot', 1)
    texts.set('cold', 2)
    for (let n = 0; n < 100; n++) {
      texts.set(`flood ${n}`, n)
      if (n % 5 === 0) expect(texts.get('hot')).toBe(1)
    }
    expect(texts.get('cold')).toBeUndefined()
    expect(texts.size).toBeLessThanOrEqual(20)
  })

  it('take no more characters than allowed, however few they are', () => {
    const texts = new RecentTexts<number>(1_000, 1_000)
    for (let n = 0; n < 100; n++) texts.set(`${n} ${'x'.repeat(300)}`, n)
    expect(texts.size).toBeLessThanOrEqual(6)
    texts.delete('99 '.padEnd(303, 'x'))
    expect(texts.get('99 '.padEnd(303, 'x'))).toBeUndefined()
  })
})

describe('a pool that sends 100,000 different texts', () => {
  const flood = (popular: PopularTexts, from: number) => {
    for (let n = 0; n < 100_000; n++)
      popular.counts(`select title from documents where id = ${from + n}`, `tenant ${n % 7}`)
  }

  it('keeps what is popular, and learns what becomes popular meanwhile', () => {
    const popular = new PopularTexts(5)
    const before = 'select before the flood'
    for (let time = 0; time < 5; time++) popular.counts(before, `tenant ${time}`)
    flood(popular, 0)
    expect(popular.counts(before, 'tenant 1')).toBe(true)
    let learned = 0
    for (let n = 0; n < 100_000; n++) {
      popular.counts(`select title from documents where id = ${n}`, `tenant ${n % 7}`)
      // Every hundredth statement.
      if (n % 100 === 0 && popular.counts('select during the flood', `tenant ${n % 3}`)) learned++
    }
    expect(learned).toBeGreaterThan(990)
  })

  it('takes no more memory than for some thousands of texts', () => {
    const popular = new PopularTexts(5)
    flood(popular, 0)
    const before = process.memoryUsage().heapUsed
    for (let round = 1; round < 5; round++) flood(popular, round * 100_000)
    // Without a bound these 400,000 texts would take some 50 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(25_000_000)
    expect(popular.counts('select title from documents where id = 1', 'tenant 1')).toBe(false)
  })
})
