import { withoutComments } from '../code/source-text.ts'
import { addPackage } from '../detection/package-manager.ts'
import type { ByHand } from '../plan/init-plan.ts'
import { sourcesWith, type WireTask } from './wire-task.ts'

/** The driver from which a file takes `drizzle`. */
interface DrizzleDriver {
  /** `node-postgres`, `postgres-js`, `neon-http` */
  readonly name: string
  /** Whether the file takes nothing else from there, such as types of the driver. */
  readonly isAlone: boolean
}

/** Drivers of a PostgreSQL server. The same server answers pg too, so Drizzle can move to pg without other changes of its call. */
export const MOVABLE: ReadonlySet<string> = new Set(['postgres-js', 'neon-http', 'neon-serverless', 'vercel-postgres'])

/** How Drizzle takes a pool of pg. */
export const TO_PG =
  "The pool of the wall is one of pg: import drizzle from 'drizzle-orm/node-postgres'. pg needs a runtime that opens TCP connections"

const IMPORTS =
  /(?:import\s*\{([^{}]{1,400})\}\s*from\s*|(?:const|let|var)\s*\{([^{}]{1,400})\}\s*=\s*require\(\s*)(['"])drizzle-orm\/([\w/-]{1,60})\3/g

const DRIVER = /['"]drizzle-orm\/[\w-]{1,40}(?:\/session)?['"]/
const DRIVERS = /['"]drizzle-orm\/([\w-]{1,40})(?:\/session)?['"]/g

/** Undefined if the file takes `drizzle` from none of Drizzle's drivers, or from several. */
export function drizzleDriver(text: string): DrizzleDriver | undefined {
  const found = [...withoutComments(text).matchAll(IMPORTS)].flatMap(([, imported, required, , name = '']) => {
    const names = (imported ?? required ?? '').split(',').map((each) => each.trim())
    return names.includes('drizzle') ? [{ name, isAlone: names.filter((each) => each !== '').length === 1 }] : []
  })
  return found.length === 1 ? found[0] : undefined
}

/** The text with `drizzle` from the driver of pg. */
export function withPgDriver(text: string, { name }: DrizzleDriver): string {
  if (name === 'node-postgres') return text
  const at = [...withoutComments(text).matchAll(IMPORTS)].find(
    ([, imported, required, , each]) => each === name && /\bdrizzle\b/.test(imported ?? required ?? ''),
  )
  if (at === undefined) return text
  const end = at.index + at[0].length
  return text.slice(0, at.index) + at[0].replace(`drizzle-orm/${name}`, 'drizzle-orm/node-postgres') + text.slice(end)
}

/** What a person must change after Drizzle moved to pg. */
export function leftOfDriver(task: WireTask, path: string, { name }: DrizzleDriver): readonly ByHand[] {
  const { manifest, packageManager } = task.project
  const library = name === 'postgres-js' ? 'postgres.js' : name
  const types = sourcesWith(task, DRIVER).filter((each) => {
    const named = [...withoutComments(each.text).matchAll(DRIVERS)].filter(([, driver]) => driver === name)
    return named.length > (each.path === path ? 1 : 0)
  })
  const tcp = name === 'postgres-js' ? '' : '. pg needs a runtime that opens TCP connections, such as Node.js'
  return [
    ...(manifest.hasAtRuntime('pg')
      ? []
      : [
          {
            path: 'package.json',
            why: `Drizzle works on pg now, and no longer on ${library}: ${addPackage(packageManager, 'pg')}${tcp}`,
            lines: [],
          },
        ]),
    {
      path,
      why: `remove the client of ${library}, unless other code uses it: its statements have no tenant, and the rights of its URL. ${differenceOf(name)}`,
      lines: [],
    },
    ...(types.length === 0
      ? []
      : [
          {
            path: types.map((each) => each.path).join(' and '),
            why: `its types are those of ${library}: the type of Drizzle on pg is NodePgDatabase of drizzle-orm/node-postgres`,
            lines: [],
          },
        ]),
  ]
}

function differenceOf(name: string): string {
  if (name === 'postgres-js') return 'db.execute() answers { rows: […] } now, and no list'
  if (name === 'neon-http') return 'db.batch() does not exist on pg: use db.transaction()'
  return 'Its pool and that of pg have the same calls'
}
