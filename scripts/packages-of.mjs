// Packages of tests with a lock file of their own, so that the root stays small. Installed on first use.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Installs the packages of a folder's package-lock.json, unless they are there.
 *
 * @param folder with package.json and package-lock.json
 * @param oneOfThem a package that is there after a whole installation
 */
export function installPackagesOf(folder, oneOfThem) {
  if (existsSync(join(folder, 'node_modules', oneOfThem)) && !isOutdated(folder)) return
  const npm = process.env.npm_execpath
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const [file, ...rest] = npm === undefined ? ['npm', ...args] : [process.execPath, npm, ...args]
  const shell = process.platform === 'win32' && npm === undefined
  const installed = spawnSync(file, rest, { cwd: folder, stdio: 'inherit', shell })
  if (installed.status === 0) return
  console.error(`The packages of ${join(folder, 'package-lock.json')} could not be installed: see above.`)
  process.exit(2)
}

/** Whether the lock file changed since npm installed what it lists. */
function isOutdated(folder) {
  const changed = (path) => statSync(join(folder, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changed('package-lock.json') > changed('node_modules/.package-lock.json')
}

/**
 * The path of a release of Node.js that `npm run test:nodes` installs. PARTYWALL_TEST_NODE_24 names another binary.
 *
 * @param root folder of the project
 * @param version such as '24'
 */
export function nodeOf(root, version) {
  const packaged = join(
    root,
    'tests',
    'nodes',
    'node_modules',
    `node-${version}-${process.platform}-${process.arch}`,
    'bin',
    'node',
  )
  const path = process.env[`PARTYWALL_TEST_NODE_${version}`] ?? packaged
  if (existsSync(path)) return path
  console.error(
    `There is no Node.js ${version} at ${path}. Run npm run test:nodes once, or set PARTYWALL_TEST_NODE_${version}.`,
  )
  process.exit(2)
}
