import { describe, expect, it } from 'vitest'
import { createSecurityEvents } from '../../src/events/security-events.ts'

describe('createSecurityEvents', () => {
  it('tells listeners of one type, listeners of all, and nobody who stopped', () => {
    const seen: string[] = []
    const events = createSecurityEvents()
    const stop = events.on('LISTENER_DOWN', (event) => seen.push(`one ${event.listener}`))
    events.on('*', (event) => seen.push(`all ${event.type}`))
    events.emit({ type: 'LISTENER_DOWN', listener: 'tenants' })
    stop()
    events.emit({ type: 'LISTENER_DOWN', listener: 'tenants' })
    expect(seen).toEqual(['one tenants', 'all LISTENER_DOWN', 'all LISTENER_DOWN'])
  })

  it('lets a listener that throws harm neither the caller nor the others', () => {
    const errors: unknown[] = []
    const seen: string[] = []
    const events = createSecurityEvents((error) => errors.push(error))
    events.on('*', () => {
      throw new Error('broken listener')
    })
    events.on('*', (event) => seen.push(event.type))
    events.emit({ type: 'LISTENER_UP', listener: 'tenants' })
    expect(seen).toEqual(['LISTENER_UP'])
    expect(errors).toHaveLength(1)
  })
})
