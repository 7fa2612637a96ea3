import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import frameworks from '../../vitest.frameworks.config.ts'
import type { Mutant } from './mutant.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A list of mutants, and the suites that must notice each of them. */
interface MutantList<M extends Mutant> {
  /** The folder of the sources, such as `src/http`. */
  readonly folder: string
  readonly mutants: readonly M[]
  readonly suitesOf: (mutant: M) => readonly string[]
  /** All suites. They must pass if nothing is taken out: a suite that always fails would notice everything. */
  readonly suites: readonly string[]
}

/**
 * The configuration of Vitest for a list: one project for each mutant, and `nothing`, which takes nothing out. run.mjs runs it.
 * PARTYWALL_MUTANTS chooses mutants by name.
 */
export function mutantProjects<M extends Mutant>({ folder, mutants, suitesOf, suites }: MutantList<M>) {
  const asked = process.env['PARTYWALL_MUTANTS']?.split(',')
  const all = [
    { mutant: { name: 'nothing', edits: [] } satisfies Mutant as Mutant, include: suites },
    ...mutants.map((mutant) => ({ mutant, include: suitesOf(mutant) })),
  ]
  return defineConfig({
    test: {
      root,
      globalSetup: ['tests/setup/postgres.ts'],
      pool: 'forks',
      maxWorkers: 3,
      projects: all
        .filter(({ mutant }) => asked === undefined || asked.includes(mutant.name))
        .map(({ mutant, include }) => ({
          resolve: frameworks.resolve ?? {},
          plugins: [takeOut(`${root}${folder}/`, mutant)],
          test: {
            name: mutant.name,
            root,
            include: [...include],
            setupFiles: ['tests/mutants/stop-at-first-failure.ts', 'tests/setup/end-of-file.ts'],
            // run.mjs reads them.
            env: { PARTYWALL_UNUSED: Object.keys(mutant.unused ?? {}).join() },
            testTimeout: 15_000,
            hookTimeout: 60_000,
          },
        })),
    },
  })
}

/** Takes the part out of the sources as they are loaded. No file is changed. */
function takeOut(folder: string, { name, edits }: Mutant): Plugin {
  for (const { file, find } of edits) {
    const found = readFileSync(join(folder, file), 'utf8').split(find).length - 1
    if (found !== 1) throw new Error(`mutant ${name}: ${file} has ${found} times: ${find}`)
  }
  return {
    name: `mutant-${name}`,
    enforce: 'pre',
    transform(code, id) {
      const mine = edits.filter(({ file }) => id.split('?')[0] === join(folder, file))
      return mine.length === 0
        ? undefined
        : mine.reduce((text, { find, replace }) => text.replace(find, () => replace), code)
    },
  }
}
