import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProtectPlan } from '../../src/protect/change.ts'

const OURS = /^(?:--|\/\/) partywall protect:/

/**
 * Files of an earlier run of `partywall protect` that were not applied: the plan still contains one of their statements. The down migration
 * and the configuration file of such a file are included.
 *
 * @returns paths below the folder, `/` between parts
 */
export async function staleFiles(out: string, plan: ProtectPlan): Promise<readonly string[]> {
  const names = await readdir(out, { recursive: true }).catch(() => [])
  const missing = plan.changes.flatMap((change) => change.up).map(sameLine)
  const runs = new Map<string, { readonly paths: string[]; isStale: boolean }>()
  for (const name of names.map((each) => each.replaceAll('\\', '/')).filter((each) => /_partywall[_./]/.test(each))) {
    if (!/\.(?:sql|cjs|conf)$/.test(name)) continue
    const content = await readFile(join(out, name), 'utf8')
    if (!OURS.test(content) && !name.endsWith('.conf')) continue
    const key = runOf(name)
    const run = runs.get(key) ?? { paths: [], isStale: false }
    runs.set(key, run)
    run.paths.push(name)
    const text = sameLine(content)
    if (!isWayBack(name) && missing.some((statement) => text.includes(statement))) run.isStale = true
  }
  return [...runs.values()].filter((run) => run.isStale).flatMap((run) => run.paths)
}

/**
 * The number and phase in a file's name, such as `0001_partywall_columns`. The up file, the down file and the configuration file of a phase
 * have these in common.
 */
function runOf(name: string): string {
  return /\d{1,20}_{1,2}partywall[a-z_]{0,40}/.exec(name)?.[0] ?? name
}

function isWayBack(name: string): boolean {
  return /(?:^|\/)down[./]|\.down\.sql$|(?:^|\/)U\d/.test(name)
}

function sameLine(text: string): string {
  return text.replace(/\\`|`/g, '').replace(/\s+/g, ' ').trim()
}
