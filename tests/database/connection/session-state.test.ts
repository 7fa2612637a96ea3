import { describe, expect, it } from 'vitest'
import {
  beginFor,
  cleaned,
  hasContext,
  isUntouched,
  OPENING,
  type SessionState,
  setUp,
  tenantOn,
  withContext,
  withResidue,
} from '../../../src/database/connection/session/session-state.ts'

const fresh = setUp(OPENING)
const servingA = withContext(beginFor(fresh, 'a'), true)

describe('the state of a session', () => {
  it('is opening until it was set up, whatever happens', () => {
    for (const moved of [beginFor(OPENING, 'a'), withContext(OPENING, true), withResidue(OPENING), cleaned(OPENING)]) {
      expect(moved).toBe(OPENING)
    }
    expect(tenantOn(OPENING)).toBeUndefined()
    expect(hasContext(OPENING)).toBe(false)
  })

  it('is fresh once set up, and stays so under an empty context', () => {
    expect(fresh).toEqual({ name: 'fresh', tenantId: '', contextInForce: false })
    expect(beginFor(fresh, '').name).toBe('fresh')
    expect(isUntouched(fresh)).toBe(true)
  })

  it('serves a tenant from its first transaction on, and is never fresh again', () => {
    expect(beginFor(fresh, 'a')).toEqual({ name: 'serving', tenantId: 'a', contextInForce: false })
    for (const later of [beginFor(servingA, ''), beginFor(servingA, 'b'), setUp(servingA)]) {
      expect(later.name).toBe('serving')
      expect(isUntouched(later)).toBe(false)
    }
  })

  it('has no context in a new transaction before the server has set it', () => {
    expect(hasContext(servingA)).toBe(true)
    expect(hasContext(beginFor(servingA, 'a'))).toBe(false)
    expect(hasContext(withContext(servingA, false))).toBe(false)
  })

  it('is in doubt after residue, with the tenant that left it', () => {
    const doubt = withResidue(servingA)
    expect(doubt).toEqual({ name: 'in-doubt', before: 'serving', tenantId: 'a', contextInForce: true })
    expect(withResidue(doubt)).toBe(doubt)
  })

  it('stays in doubt through transactions, until DISCARD ALL', () => {
    const doubt = beginFor(withResidue(servingA), 'a')
    expect(doubt.name).toBe('in-doubt')
    expect(setUp(doubt)).toBe(doubt)
    expect(cleaned(doubt)).toEqual({ name: 'serving', tenantId: 'a', contextInForce: false })
  })

  it('is as untouched after the clean-up as it was before the residue', () => {
    expect(cleaned(withResidue(fresh)).name).toBe('fresh')
    expect(isUntouched(withResidue(fresh))).toBe(true)
    expect(isUntouched(withResidue(servingA))).toBe(false)
  })

  it('changes nothing where there is nothing to change', () => {
    const states: readonly SessionState[] = [fresh, servingA]
    for (const state of states) expect(cleaned(state)).toBe(state)
    expect(withContext(servingA, true)).toBe(servingA)
  })
})
