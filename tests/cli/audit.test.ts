// The built command, on the database of the demo after a day's work of its two tenants.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../demo/stage.ts'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

describe('partywall audit on the database of the demo', { timeout: 120_000 }, () => {
  let stage: Stage
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'partywall-audit-'))
    stage = await openStage({ port: 0, without: undefined })
    const made = await stage.a.api.post('/documents', { title: 'audited' })
    await stage.a.api.patch(`/documents/${made.body?.id}`, { title: 'audited twice' })
    await stage.b.api.post('/documents', { title: 'of the other' })
    await stage.a.api.get(`/documents/${stage.b.documentId}`)
    await stage.wall.audit?.flush()
    expect(audit(['keygen', 'key']).code).toBe(0)
    const sealed = audit(['seal', '--once', '--anchors', 'anchors.ndjson'])
    expect(sealed).toMatchObject({ code: 0, errors: expect.stringMatching(/^\d+ events sealed, 0 wait/) })
  }, 120_000)
  afterAll(async () => {
    await stage.close()
    await rm(folder, { recursive: true })
  })

  function audit(flags: readonly string[]): { readonly code: number | null; output: string; errors: string } {
    const run = spawnSync(process.execPath, [program, 'audit', ...flags], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        NO_COLOR: '1',
        DATABASE_URL: stage.adminUrl,
        PARTYWALL_AUDIT_KEY: flags[0] === 'seal' ? privateKey() : '',
      },
    })
    return { code: run.status, output: run.stdout, errors: run.stderr }
  }
  const privateKey = () => readFileSync(join(folder, 'key.key'), 'utf8')
  const verify = (...more: readonly string[]) =>
    audit(['verify', '--public-key', 'key.pub', '--anchors', 'anchors.ndjson', ...more])

  it('keeps the private key to its owner, and overwrites none', async () => {
    if (process.platform !== 'win32') expect((await stat(join(folder, 'key.key'))).mode & 0o077).toBe(0)
    const before = await readFile(join(folder, 'key.key'), 'utf8')
    expect(audit(['keygen', 'key'])).toMatchObject({ code: 2, errors: expect.stringContaining('may exist already') })
    expect(await readFile(join(folder, 'key.key'), 'utf8')).toBe(before)
  })

  it('exits 0 where the log is whole, and says what that does not promise', () => {
    const { code, output } = verify()
    expect(output).toContain('audit log: whole')
    expect(output).toMatch(/[1-9]\d* events, [23] tenants/)
    expect(output).toContain('can rewrite events that are newer than the last outside anchor')
    expect(code).toBe(0)
  })

  it('exits 1 after a row was changed by hand, and names tenant, position and damage', async () => {
    const change = (action: string, was: string) =>
      stage.admin(
        `update partywall.audit_events set action = $1 where (tenant_id, occurred_at, id) in (select tenant_id, occurred_at, id
           from partywall.audit_events where tenant_id = $2 and action = $3 order by occurred_at limit 1)`,
        [action, stage.a.id, was],
      )
    expect((await change('nothing.happened', 'documents.updated')).rowCount).toBe(1)
    try {
      const { code, output } = verify()
      expect(output).toContain('audit log: tampered')
      expect(output).toMatch(
        new RegExp(`event-changed +tenant ${stage.a.id}, checkpoint 1, position \\d+, event [0-9a-f-]{36}: `),
      )
      expect(code).toBe(1)
      expect(verify('--tenant', stage.b.id)).toMatchObject({ code: 0 })
      const json: unknown = JSON.parse(verify('--json').output)
      expect(json).toMatchObject({
        verdict: 'tampered',
        damage: [{ kind: 'event-changed', tenant: stage.a.id, checkpoint: 1 }],
      })
    } finally {
      await change('documents.updated', 'nothing.happened')
    }
    expect(verify().code).toBe(0)
  })

  it('exits 2 where it could not tell: a key that signed nothing here, a database that is away, a key that is none', () => {
    expect(audit(['keygen', 'other']).code).toBe(0)
    const other = audit(['verify', '--public-key', 'other.pub'])
    expect(other).toMatchObject({ code: 2, output: expect.stringContaining('audit log: incomplete') })
    const away = verify('--database-url', 'postgres://nobody@127.0.0.1:1/none')
    expect(away).toMatchObject({ code: 2, output: '' })
    expect(audit(['verify', '--public-key', 'anchors.ndjson'])).toMatchObject({
      code: 2,
      errors: expect.stringContaining('no key in PEM'),
    })
    expect(audit(['verify'])).toMatchObject({ code: 2, errors: expect.stringContaining('--public-key') })
  })
})
