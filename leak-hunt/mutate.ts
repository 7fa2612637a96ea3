import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../src/config/package-root.ts'
import { type Mutant, mutants } from './mutants.ts'
import type { HuntOptions } from './options.ts'

/** Number of operations that is enough to find each mutant. */
const MUTANT_OPERATIONS = 6_000
const MUTANT_FAULTS = 400

export function mutantNames(): readonly string[] {
  return mutants.map((mutant) => mutant.name)
}

/**
 * Hunts with one mutant, or with all of them one after the other.
 *
 * @returns for one mutant the exit code of its hunt (1: it was found); for `all` 0 when every mutant was found, else 1
 */
export async function huntMutants(name: string, options: HuntOptions): Promise<number> {
  if (name !== 'all') {
    const mutant = mutants.find((each) => each.name === name)
    if (mutant === undefined) {
      console.error(`There is no mutant '${name}'. There are: ${mutantNames().join(', ')}, and 'all'.`)
      return 2
    }
    return huntOne(mutant, options, 'inherit')
  }
  const survivors: string[] = []
  for (const mutant of mutants) {
    const code = huntOne(mutant, options, 'ignore')
    const outcome = code === 1 ? 'found' : code === 0 ? 'SURVIVED' : `COULD NOT RUN (exit ${code})`
    if (code !== 1) survivors.push(mutant.name)
    console.log(`${outcome.padEnd(10)} ${mutant.name}: ${mutant.breaks}`)
  }
  console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants found`)
  return survivors.length === 0 ? 0 : 1
}

function huntOne(mutant: Mutant, options: HuntOptions, stdio: 'inherit' | 'ignore'): number {
  const folder = join(packageRoot(), '.partywall', 'mutants', `${mutant.name}-${process.pid}`)
  try {
    makeMutant(mutant, folder)
    const flags = [
      ['--operations', String(Math.min(options.operations, MUTANT_OPERATIONS))],
      ['--faults', String(MUTANT_FAULTS)],
      ['--seed', String(options.seed)],
      ['--until-found'],
      options.sealed && mutant.unsealed !== true ? [] : ['--unsealed'],
      options.pooler ? ['--pooler'] : [],
      mutant.weaken === undefined ? [] : ['--weaken', mutant.weaken],
    ].flat()
    const run = spawnSync(process.execPath, [join(folder, 'leak-hunt', 'main.js'), ...flags], {
      stdio,
      timeout: 600_000,
    })
    return run.status ?? 2
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A copy of the build inside the package, so that its dependencies and migrations are found as usual. */
function makeMutant(mutant: Mutant, folder: string): void {
  const dist = join(dirname(fileURLToPath(import.meta.url)), '..')
  mkdirSync(folder, { recursive: true })
  for (const part of ['src', 'leak-hunt']) cpSync(join(dist, part), join(folder, part), { recursive: true })
  for (const { file, find, replace } of mutant.edits) {
    const path = join(folder, 'src', file)
    const code = readFileSync(path, 'utf8')
    const places = code.split(find).length - 1
    if (places !== 1) throw new Error(`mutant ${mutant.name}: '${find}' stands ${places} times in ${file}, not once`)
    writeFileSync(
      path,
      code.replace(find, () => replace),
    )
  }
}
