import { describe, expect, it } from 'vitest'
import { connectionProblem } from '../../src/config/connection-problem.ts'

const failed = (code: string, message = 'no pg_hba.conf entry for host "10.0.0.1", no encryption') =>
  Object.assign(new Error(message), { code })

describe('what is said of a connection that did not come about', () => {
  it.each([
    ['ECONNREFUSED', /^database\.url: the database server does not answer there/],
    ['ENOTFOUND', /^database\.url: its host is not known/],
    ['28P01', /^database\.url: the server refuses this user or password\.$/],
    ['28000', /^database\.url: the server refuses the login: no pg_hba\.conf entry .*, no encryption\.$/],
    ['3D000', /^database\.url: the server has no such database\.$/],
  ])('names the setting for %s', (code, said) => {
    expect(connectionProblem(failed(code), 'database.url')).toMatch(said)
    expect(connectionProblem(new AggregateError([failed(code)]), 'database.url')).toMatch(said)
  })

  it('says what to set behind a pooler that refuses start-up options, and is nothing for other violations of the protocol', () => {
    const refused = failed('08P01', 'unsupported startup parameter: options')
    expect(connectionProblem(refused, 'database.url')).toContain("set database.pooler: 'transaction'")
    expect(connectionProblem(failed('08P01', 'invalid message format'), 'database.url')).toBeUndefined()
  })

  it('is nothing for any other error', () => {
    expect(connectionProblem(failed('42P01'), 'database.url')).toBeUndefined()
  })
})
