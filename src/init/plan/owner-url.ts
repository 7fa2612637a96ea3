import { parseEnv } from 'node:util'
import { ENV_FILES } from '../../config/connection-variables.ts'
import { partNames, urlOfParts } from '../detection/database-parts.ts'
import type { FoundUrl } from '../detection/database-url.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { ByHand } from './init-plan.ts'

/** partywall's commands and the written test read the URL of the migrations from here. */
export const OWNER_URL = 'DATABASE_URL'

/** How `.env` gets the URL of the migrations, so that the project's tools, partywall's commands and the test all use the same database. */
export interface OwnerUrl {
  /** Variables that get the URL. */
  readonly names: readonly string[]
  /** Those of `names` that have another value now. Their lines stay as comments. */
  readonly replaced: readonly string[]
  readonly byHand: readonly ByHand[]
}

/** Plans which variables of `.env` get the URL. A variable that has the URL already, in `.env` or in the environment, is not changed. */
export function ownerUrl(
  files: ProjectFiles,
  database: FoundUrl,
  environment: Readonly<Record<string, string | undefined>>,
): OwnerUrl {
  const { url, variable, parts } = database
  const inFile: Readonly<Record<string, string | undefined>> = parseEnv(files.read('.env') ?? '')
  const wanted = [...new Set([OWNER_URL, variable ?? OWNER_URL])]
  const fixed = wanted.filter((name) => (environment[name] ?? '') !== '')
  const names = wanted.filter((name) => !fixed.includes(name) && inFile[name] !== url)
  const byHand: ByHand[] = fixed
    .filter((name) => environment[name] !== url)
    .map((name) => ({
      path: 'the environment',
      why: `its variable ${name} names another database, and has priority over .env. partywall's commands and the test read it: set it to the URL of your migrations`,
      lines: [],
    }))
  if (
    parts !== undefined &&
    !sameDatabase(
      url,
      urlOfParts(parts, (name) => read(files, environment, name)),
    )
  )
    byHand.push({
      path: '.env',
      why: `${partNames(parts).join(', ')} name another database than ${database.source}. If your migrations read them, change them`,
      lines: [],
    })
  return { names, replaced: names.filter((name) => inFile[name] !== undefined), byHand }
}

function read(files: ProjectFiles, environment: Readonly<Record<string, string | undefined>>, name: string) {
  if ((environment[name] ?? '') !== '') return environment[name]
  return ENV_FILES.map((file) => parseEnv(files.read(file) ?? '')[name]).find((value) => (value ?? '') !== '')
}

function sameDatabase(a: string, b: string | undefined): boolean {
  if (b === undefined || !URL.canParse(a)) return false
  const [one, other] = [new URL(a), new URL(b)]
  const host = ({ hostname }: URL) => (hostname === '127.0.0.1' ? 'localhost' : hostname)
  const port = (url: URL) => (url.port === '' ? '5432' : url.port)
  return host(one) === host(other) && port(one) === port(other) && one.pathname === other.pathname
}
