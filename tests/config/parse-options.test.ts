import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'

describe('parseOptions', () => {
  it('lists all problems at once, each with its path, and never a value', () => {
    const schema = z.object({ secret: z.string(), pool: z.object({ max: z.number() }) })
    let thrown: unknown
    try {
      parseOptions(schema, { secret: 4711, pool: { max: 'hunter2' } }, 'createThing(options)')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ConfigurationError)
    const message = thrown instanceof Error ? thrown.message : ''
    expect(message).toContain('createThing(options)')
    expect(message).toContain('secret: ')
    expect(message).toContain('pool.max: ')
    expect(message).not.toMatch(/4711|hunter2/)
  })
})
