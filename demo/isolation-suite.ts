import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packageRoot } from '../src/config/package-root.ts'
import type { Evidence } from '../src/report/evidence.ts'

const SUITE = 'tests/security/tenant-isolation.test.ts'
const LIMIT_MS = 90_000

/** Runs the isolation suite, so that only this run is evidence for its line of the checklist. */
export async function isolationSuiteEvidence(say: (line: string) => void): Promise<Evidence> {
  const piece = { line: 'output-isolation-test', by: `vitest run ${SUITE}` } as const
  const vitest = findVitest()
  if (vitest === undefined || !existsSync(join(packageRoot(), SUITE))) {
    return { ...piece, verdict: 'open', count: 0, detail: 'the suite is not part of this install' }
  }
  const folder = await mkdtemp(join(tmpdir(), 'partywall-demo-'))
  try {
    const report = join(folder, 'report.json')
    await run(vitest, ['run', '--project', 'servers', '--reporter=json', `--outputFile.json=${report}`, SUITE])
    const { passed, failed } = await readCounts(report)
    say(`${SUITE}: ${passed} scenarios held, ${failed} did not`)
    if (failed > 0 || passed === 0) {
      return { ...piece, verdict: 'failed', count: failed, detail: `${failed} of its scenarios failed` }
    }
    return {
      ...piece,
      verdict: 'proved',
      count: passed,
      detail: `ran in this run, ${passed} scenarios of two tenants held`,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function findVitest(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  } catch {
    return undefined
  }
}

function run(vitest: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, ...args], { cwd: packageRoot(), stdio: 'ignore', timeout: LIMIT_MS })
    child.once('error', reject)
    child.once('exit', () => resolve()) // its report contains the result
  })
}

async function readCounts(path: string): Promise<{ passed: number; failed: number }> {
  try {
    const report: unknown = JSON.parse(await readFile(path, 'utf8'))
    const read = (name: string) => Number(report !== null && typeof report === 'object' ? Reflect.get(report, name) : 0)
    return {
      passed: read('numPassedTests'),
      failed: read('numFailedTests') + (read('numFailedTestSuites') > 0 ? 1 : 0),
    }
  } catch {
    return { passed: 0, failed: 1 }
  }
}
