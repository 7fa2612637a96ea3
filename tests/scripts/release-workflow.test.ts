// The step of the release that runs before anything is built, run by bash in a folder with a package and a changelog.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../src/config/package-root.ts'

interface Step {
  readonly name?: string
  readonly run?: string
}

const release = parse(readFileSync(join(packageRoot(), '.github', 'workflows', 'release.yml'), 'utf8'))
const steps: readonly Step[] = release.jobs.publish.steps

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'partywall-release-'))
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.3" }')
  writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2030-01-01\n')
})
afterEach(() => rmSync(folder, { recursive: true }))

function check(tag: string) {
  const script = steps.find(({ name }) => name?.startsWith('The tag'))?.run ?? 'exit 99'
  const env = { ...process.env, TAG: tag }
  const { status, stdout } = spawnSync('bash', ['-eo', 'pipefail', '-c', script], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  return { status, says: stdout.trim() }
}

describe('a release', () => {
  it('goes on if tag, package and changelog agree', () => {
    expect(check('v1.2.3')).toEqual({ status: 0, says: '' })
  })

  it('stops for a tag of another version', () => {
    expect(check('v1.2.4')).toEqual({ status: 1, says: 'The tag is v1.2.4, and package.json has 1.2.3.' })
  })

  it('stops if the changelog does not name the version', () => {
    writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n')
    expect(check('v1.2.3')).toEqual({ status: 1, says: 'CHANGELOG.md has no section [1.2.3].' })
  })

  it('publishes last, after all checks, with provenance', () => {
    const runs = steps.flatMap(({ run }) => run ?? [])
    expect(runs.at(-1)).toBe('npm publish --provenance --access public')
    expect(runs).toContain('.ci/run')
    expect(release.jobs.publish.permissions).toEqual({ contents: 'read', 'id-token': 'write' })
  })
})
