import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { readOwnMigrations } from '../../src/migrate/own-migrations.ts'
import type { GitState, ReportMaking } from '../../src/verify/formats/document.ts'
import type { InputFile, PreparedSource } from '../../src/verify/sources/prepared-source.ts'
import { commandLine, withoutSecrets } from './command-line.ts'
import type { VerifySettings } from './verify-settings.ts'

/** Returns when, where and from which files a report was made. The result contains no name of a person, and no password. */
export async function runMaking(
  settings: VerifySettings,
  { files, ownFiles }: Pick<PreparedSource, 'files' | 'ownFiles'>,
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
    job: ciJob(process.env),
    git: await gitState(process.cwd()),
    inputs: [...(await markOwn(files)), ...(await flagFiles(settings))],
    ownInputs: ownFiles,
    options: optionsInForce(settings),
  }
}

/**
 * Returns the URL of the CI job's page, from the environment variables of GitHub, GitLab and Jenkins. The page shows who started the job,
 * and links to its log. In the log, verify prints the SHA-256 of each report.
 */
export function ciJob(environment: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, CI_JOB_URL, BUILD_URL } = environment
  const github = GITHUB_SERVER_URL !== undefined && GITHUB_REPOSITORY !== undefined && GITHUB_RUN_ID !== undefined
  if (github)
    return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}/attempts/${GITHUB_RUN_ATTEMPT ?? '1'}`
  const page = CI_JOB_URL ?? BUILD_URL
  return page === undefined || page === '' ? undefined : withoutSecrets(page)
}

/** Marks copies of partywall's migrations, which a project may keep in its own folder. Their checksums identify them. */
async function markOwn(files: readonly InputFile[]): Promise<readonly InputFile[]> {
  const own = new Map((await readOwnMigrations()).map(({ checksum, name }) => [checksum, name]))
  return files.map((file) => {
    const ofPartywall = own.get(file.sha256)
    return ofPartywall === undefined ? file : { ...file, ofPartywall }
  })
}

/** Returns the files that are named by the flags `--context-sql` and `--baseline`. Leaves out a file that can't be read any more. */
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

/** Returns the options in force, from command line, configuration file and defaults. Removes user and password from URLs. */
function optionsInForce(settings: VerifySettings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (value === undefined) return []
    const shown = typeof value === 'object' ? JSON.stringify(value) : String(value)
    return [`${name}: ${withoutSecrets(shown)}`]
  })
}

const run = promisify(execFile)

/** Returns the commit that is checked out in a folder. Undefined if there is no git repository, or no git. */
export async function gitState(folder: string): Promise<GitState | undefined> {
  // A repository can configure a file-system monitor (core.fsmonitor), which is a program. Do not let git start it.
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
