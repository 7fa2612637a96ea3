import { beforeAll, describe, expect, it } from 'vitest'
import { type AuditWorld, createAuditWorld } from './audit-world.ts'

describe('reading and exporting a log', () => {
  let world: AuditWorld
  beforeAll(async () => {
    world = await createAuditWorld()
    await world.as(world.a, async () => {
      for (let n = 0; n < 25; n++) {
        await world.audit.log({ action: 'paged.event', resourceId: String(n), details: { n } })
      }
    })
  })

  it('pages newest first without a gap or a repeat', async () => {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.as(world.a, () => world.audit.query({ action: 'paged.event', limit: 7, cursor }))
      seen.push(...page.events.map((event) => event.resourceId ?? ''))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => String(24 - n)))
  })

  it('filters by user, outcome and time', async () => {
    const { a, audit } = world
    await world.as(a, () => audit.log({ action: 'one.denied', outcome: 'denied' }))
    const count = (filter: object) => world.as(a, async () => (await audit.query(filter)).events.length)
    expect(await count({ outcome: 'denied' })).toBe(1)
    expect(await count({ userId: 'nobody' })).toBe(0)
    expect(await count({ from: new Date(Date.now() + 60_000) })).toBe(0)
    expect(await count({ action: 'one.denied', to: new Date(Date.now() + 60_000) })).toBe(1)
  })

  it('refuses limits and cursors that can not be used', async () => {
    const { a, audit } = world
    for (const filter of [
      { limit: 0 },
      { limit: 1001 },
      { cursor: 'x' },
      { cursor: Buffer.from("'|'").toString('base64url') },
    ]) {
      await expect(world.as(a, () => audit.query(filter))).rejects.toMatchObject({ code: 'PARTYWALL_INVALID_INPUT' })
    }
  })

  it('commits the event of an export before the first line', async () => {
    const { b, audit } = world
    const lines: string[] = []
    await world.as(b, async () => {
      for await (const line of audit.export('ndjson')) lines.push(line)
    })
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(['EXPORT_DATA'])
  })

  it('exports CSV that no spreadsheet runs, and CEF whose fields cannot be forged', async () => {
    const { a, audit } = world
    await world.as(a, () => audit.log({ action: '=cmd|x', userAgent: 'a"b,=c\nsrc=6.6.6.6', resource: 'r=1' }))
    const collect = (format: 'csv' | 'cef') =>
      world.as(a, async () => {
        let all = ''
        for await (const line of audit.export(format, { action: '=cmd|x' })) all += line
        return all
      })
    const csv = await collect('csv')
    expect(csv.split('\r\n')[0]).toContain('timestamp,id,tenantId')
    expect(csv).toContain(",'=cmd|x,")
    expect(csv).toContain('"a""b,=c\nsrc=6.6.6.6"')
    const cef = await collect('cef')
    expect(cef.split('\n')).toHaveLength(2)
    expect(cef).toContain('CEF:0|partywall|audit|1|=cmd\\|x|')
    expect(cef).toContain('requestClientApplication=a"b,\\=c\\nsrc\\=6.6.6.6')
  })
})
