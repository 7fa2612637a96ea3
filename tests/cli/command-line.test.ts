import { describe, expect, it } from 'vitest'
import { commandLine } from '../../cli/verify/command-line.ts'

const line = (...words: readonly string[]) => commandLine(['node', 'main.js', ...words])

describe('the command line in a report', () => {
  it('keeps host and database, and loses user and password', () => {
    expect(line('verify', '--database-url', 'postgres://app:pa:ss@db.example:5432/app?sslmode=require')).toBe(
      'partywall verify --database-url postgres://…@db.example:5432/app?sslmode=require',
    )
    expect(line('verify', '--app-url=postgresql://app:p%40ss@h/d')).toBe(
      'partywall verify --app-url=postgresql://…@h/d',
    )
  })

  it('loses a password that contains @ and /', () => {
    expect(line('verify', 'postgres://app:p@s/s@h/d')).toBe('partywall verify postgres://…@h/d')
  })

  it('loses a password in the query of a URL', () => {
    expect(line('verify', 'postgres://h/d?user=a&password=hunter2&x=1')).not.toContain('hunter2')
  })

  it('quotes words as a shell needs them', () => {
    expect(line('verify', '--run', "npm run migrate && it's done")).toBe(
      String.raw`partywall verify --run 'npm run migrate && it'\''s done'`,
    )
  })
})
