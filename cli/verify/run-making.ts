import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import type { GitState, ReportMaking } from '../../src/verify/formats/document.ts'
import type { InputFile } from '../../src/verify/sources/prepared-source.ts'
import { commandLine, withoutSecrets } from './command-line.ts'
import type { VerifySettings } from './verify-settings.ts'

/** When, where and from which files a report was made. It holds no name of a person or host, and no password. */
export async function runMaking(
  settings: VerifySettings,
  files: readonly InputFile[],
  started: number,
): Promise<ReportMaking> {
  const now = Date.now()
  return {
    at: new Date(started).toISOString(),
    finishedAt: new Date(now).toISOString(),
    seconds: (now - started) / 1000,
    command: commandLine(process.argv),
    nodeVersion: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    directory: basename(process.cwd()),
    git: await gitState(process.cwd()),
    inputs: [...files, ...(await flagFiles(settings))],
    options: optionsInForce(settings),
  }
}

/** The files that flags name, beside the migrations. A file that can't be read any more is left out. */
async function flagFiles(settings: VerifySettings): Promise<readonly InputFile[]> {
  const names = [settings.contextSql, settings.baseline].filter((name) => name !== undefined)
  const files = await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(name).catch(() => undefined)
      if (bytes === undefined) return []
      return [{ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }]
    }),
  )
  return files.flat()
}

/** The options after command line, file and defaults. URLs lose user and password. */
function optionsInForce(settings: VerifySettings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (value === undefined) return []
    const shown = typeof value === 'object' ? JSON.stringify(value) : String(value)
    return [`${name}: ${withoutSecrets(shown)}`]
  })
}

const run = promisify(execFile)

/** The commit that is checked out in a folder. Undefined: no git repository, or no git. */
export async function gitState(folder: string): Promise<GitState | undefined> {
  // A monitor that the repository names is a program: it is not started.
  const git = async (...words: readonly string[]) =>
    (
      await run('git', ['-C', folder, '-c', 'core.fsmonitor=false', ...words], {
        timeout: 5_000,
        maxBuffer: 16 * 1024 * 1024,
      })
    ).stdout
  try {
    const commit = (await git('rev-parse', 'HEAD')).trim()
    const changes = await git('--no-optional-locks', 'status', '--porcelain')
    return { commit, clean: changes.trim() === '' }
  } catch {
    return undefined // the report then says that it does not know the commit
  }
}
