import { leadsTo } from '../code/reached-files.ts'
import { TEST_FILE } from '../code/test-files.ts'
import type { ByHand } from '../plan/init-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import { entryName } from './entry-name.ts'
import { sourcesWith, type WireTask } from './wire-task.ts'

/** A file that runs migrations or seeds, by its name or its folder. */
const SCRIPT = /(?:^|\/)(?:migrations?|seeds?|seeders|scripts?)\/|(?:^|\/)[^/]*(?:migrat|seed)[^/]*$/i
const OWN_CONNECTION = /new (?:\w+\.)?(?:Pool|Client|DataSource|PrismaClient|PrismaPg)\s*\(|\bpostgres\s*\(/
/** Where the libraries open the connections that get the pool of the wall. */
const OPENS = /new (?:\w+\.)?Pool\s*\(|new PrismaClient\s*\(|extends PrismaClient\b|\bdrizzle\s*\(/

/**
 * Scripts of migrations and seeds that take their connection from a module of the application. That module has the pool of the wall now, which
 * refuses statements without a tenant, and whose login may not change the schema.
 *
 * @param changed the files whose connection init changed; empty: a person changes it
 */
export function scriptsOnThePool(task: WireTask, changed: readonly string[]): readonly ByHand[] {
  const { files, project, wallPath } = task
  const modules = new Set(changed.length > 0 ? changed : sourcesWith(task, OPENS).map(({ path }) => path))
  const own = project.orm === 'prisma' ? 'a PrismaClient of its own' : 'a pg.Pool of its own'
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => SCRIPT.test(path) && !TEST_FILE.test(path) && path !== wallPath && !modules.has(path))
    .filter((path) => !OWN_CONNECTION.test(files.read(path) ?? '') && leadsTo(files, path, modules))
    .map((path) => ({
      path,
      why: `it runs without a request, on the connection of ${[...modules].join(' or ')}. That is the pool of the wall now: it refuses statements without a tenant, and its login may not change the schema. Give this file ${own}, with ${OWNER_URL}: the login of the migrations`,
      lines: [],
    }))
}

/** The text of a statement that only asks whether the server answers: `SELECT NOW()`. */
const PROBE = /(['"`])\s*select\s{1,9}(?:now\s?\(|version\s?\(|\d|true\b|current_)([^'"`]{0,80})\1/gi
/** Terminus of NestJS sends `SELECT 1`. */
const TERMINUS = /\.pingCheck\s*\(/
const QUERY =
  /\.\$?(?:query(?:Raw(?:Unsafe)?)?|execute|raw|find(?:Many|First|Unique|One|All)\w*|count|authenticate)(?:<[^()'"`]{1,80}>)?\s?[(`]/
/** A route by which a platform asks whether the application is well. */
const HEALTH_ROUTE = /\(\s*['"`][\w/:-]{0,60}(?:health\w{0,20}|live|livez|liveness|ready|readyz|readiness|ping)['"`]/gi
const HEALTH_FILE = /(?:^|\/)[^/]*health[^/]*\.[cm]?[jt]sx?$/i
const LISTENS = /\.listen\s*\(/
const ROUTE = /\.(?:get|post|put|patch|delete|all|use)\s*\(\s*['"`]\//
/** A handler that is longer is none of a health check. */
const LONGEST_HANDLER = 800

/** Files that send statements when the application starts, or for a health check: they have no tenant, so the pool refuses them. */
export function statementsWithoutTenant(task: WireTask): readonly ByHand[] {
  const found = sourcesWith(task, /./).filter(({ path, text }) => isWithoutTenant(path, text))
  if (found.length === 0) return []
  return [
    {
      path: found.map(({ path }) => path).join(' and '),
      why: `statements at the start of the server or in a health check (such as select 1) belong to no tenant, and the pool of the wall refuses them: use ${entryName(task)} there`,
      lines: [],
    },
  ]
}

function isWithoutTenant(path: string, text: string): boolean {
  const isProbe = [...text.matchAll(PROBE)].some(([, , rest = '']) => !/\bfrom\b/i.test(rest))
  if (isProbe || TERMINUS.test(text)) return true
  if ((HEALTH_FILE.test(path) || (LISTENS.test(text) && !ROUTE.test(text))) && QUERY.test(text)) return true
  return [...text.matchAll(HEALTH_ROUTE)].some(({ index, 0: { length } }) => {
    const rest = text.slice(index + length, index + length + LONGEST_HANDLER)
    const next = rest.search(ROUTE)
    return QUERY.test(next < 0 ? rest : rest.slice(0, next))
  })
}
