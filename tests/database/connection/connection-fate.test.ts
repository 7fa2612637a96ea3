import { describe, expect, it } from 'vitest'
import {
  discardedFor,
  requestEnded,
  requestUnderWay,
  USABLE,
  withRequest,
} from '../../../src/database/connection/session/connection-fate.ts'

const request = Promise.resolve(true)
const another = Promise.resolve(true)

describe('the fate of a connection', () => {
  it('is usable again once a cancel request was delivered', () => {
    const cancelling = withRequest(USABLE, request)
    expect(requestUnderWay(cancelling)).toBe(request)
    expect(requestEnded(cancelling, request, true)).toBe(USABLE)
  })

  it('is discarded where a request may still arrive', () => {
    const after = requestEnded(withRequest(USABLE, request), request, false)
    expect(after).toEqual({ name: 'discarded', reason: 'a cancel request may still arrive', request: undefined })
  })

  it('waits for the later of two requests', () => {
    const two = withRequest(withRequest(USABLE, request), another)
    expect(requestUnderWay(requestEnded(two, request, true))).toBe(another)
  })

  it('keeps the first reason, and the request that nothing may overtake', () => {
    const discarded = discardedFor(discardedFor(withRequest(USABLE, request), 'first'), 'second')
    expect(discarded).toEqual({ name: 'discarded', reason: 'first', request })
    expect(requestUnderWay(withRequest(discarded, another))).toBe(another)
  })

  it('never leads back from discarded', () => {
    const discarded = withRequest(discardedFor(USABLE, 'gone'), request)
    expect(requestEnded(discarded, request, true)).toEqual({ name: 'discarded', reason: 'gone', request: undefined })
  })
})
