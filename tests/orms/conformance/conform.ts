import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'
import { crowd } from './behaviours/crowd.ts'
import { errors } from './behaviours/errors.ts'
import { hostile } from './behaviours/hostile.ts'
import { reading } from './behaviours/reading.ts'
import { transactions } from './behaviours/transactions.ts'
import { writing } from './behaviours/writing.ts'
import type { OrmUnderTest } from './orm.ts'
import { recordFacts } from './round-trips.ts'
import { openStage, type Stage, tidy } from './stage.ts'

const behaviours = { ...reading, ...writing, ...errors, ...transactions, ...hostile, ...crowd }

/** The tests of one ORM: each behaviour on a sealed database, with two tenants. */
export function conform(orm: OrmUnderTest): void {
  describe(`${orm.name} ${orm.version}`, () => {
    let stage: Stage
    beforeAll(async () => {
      stage = await openStage(orm)
    })
    afterEach(() => tidy(stage))
    const folder = process.env['PARTYWALL_COMPATIBILITY']
    if (folder !== undefined) afterAll(() => recordFacts(orm, stage, folder))
    it.each(Object.entries(behaviours))('%s', (_name, behaviour) => behaviour(stage))
  })
}
