// Builds dist incrementally. Run by prepare, pretest, predemo and prebench; works without a shell.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)

let tsc
try {
  tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
} catch {
  // An install without devDependencies (from a packed tarball) has nothing to build and dist is already there.
  if (existsSync(join(root, 'dist', 'src', 'index.js'))) process.exit(0)
  console.error('partywall: cannot build: typescript is not installed. Run `npm ci` (with devDependencies) first.')
  process.exit(1)
}
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
  cwd: root,
})
const bin = join(root, 'dist', 'cli', 'main.js')
if (existsSync(bin)) chmodSync(bin, 0o755)
process.exit(built.status ?? 1)
