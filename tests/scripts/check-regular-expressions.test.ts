import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/check-regular-expressions.mjs', import.meta.url))
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function check(source: string): { readonly code: number | null; readonly output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'partywall-regexps-'))
  folders.push(folder)
  writeFileSync(join(folder, 'header.ts'), source)
  const run = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  return { code: run.status, output: run.stdout + run.stderr }
}

describe('the check of regular expressions in npm run lint', { timeout: 60_000 }, () => {
  it.each([
    ['(/(a+)+$/.exec(header))', 'exponential'],
    ['header.replace(/\\s+$/, "")', 'super-linear'],
    ['z.string().regex(/^\\d*\\w*:$/)', 'super-linear'],
    ['new RegExp(header)', "can't be looked at"],
    ['const none = 1', 'the check itself is broken'],
  ])('fails on %s', (source, why) => {
    expect(check(source)).toMatchObject({ code: 1, output: expect.stringContaining(why) })
  })

  it('passes what takes linear time', () => {
    expect(check('header.split(/,/).map((part) => /^[a-z]{1,8}=\\d+$/i.test(part))')).toMatchObject({ code: 0 })
  })
})
