import { describe, expect, it } from 'vitest'
import { createDefaultLogger } from '../../src/logger/logger.ts'

describe('the default logger', () => {
  it('writes warnings and errors as one JSON line each, and nothing else', () => {
    const lines: string[] = []
    const logger = createDefaultLogger((line) => lines.push(line))
    logger.debug({}, 'unseen')
    logger.info({}, 'unseen')
    logger.warn({ tenantId: 'a' }, 'two\nlines')
    logger.error({ code: 'PARTYWALL_CLOSED' }, 'closed')
    expect(lines).toHaveLength(2)
    expect(lines.every((line) => line.endsWith('\n') && line.split('\n').length === 2)).toBe(true)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', tenantId: 'a', msg: 'two\nlines' })
  })
})
