import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageIdentity } from '../../cli/shared/package-identity.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { PACKAGE_COMMAND } from '../../src/verify/formats/html/integrity.ts'

describe('the identity of the package', { timeout: 60_000 }, () => {
  it('is what the documented command prints, of sources and of the build', async () => {
    const found = packageIdentity()
    // The test runs from the sources.
    expect(found.built).toBe(false)
    const sources = PACKAGE_COMMAND.replace('dist/src dist/cli', 'src cli').replace('*.js', '*.ts')
    const printed = execFileSync('sh', ['-c', sources], { cwd: packageRoot(), encoding: 'utf8' })
    expect(printed.split(' ')[0]).toBe(found.sha256)
    expect(found.files).toBeGreaterThan(500)
    expect(found.parts).toContainEqual(expect.stringMatching(/^libpg-query \d/))
  })

  it('changes with one byte of code', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partywall-package-'))
    for (const name of ['src/verify', 'cli', 'migrations', 'package.json'])
      await cp(join(packageRoot(), name), join(folder, name), { recursive: true })
    const before = packageIdentity(folder)
    await writeFile(join(folder, 'notes.txt'), 'no part of the package')
    expect(packageIdentity(folder).sha256).toBe(before.sha256)
    await writeFile(join(folder, 'src/verify/connect.ts'), '\n', { flag: 'a' })
    expect(packageIdentity(folder).sha256).not.toBe(before.sha256)
    await rm(folder, { recursive: true })
  })
})
