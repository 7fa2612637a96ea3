// npm run docs [-- --serve]; npm run docs:dev: the site of docs/. Its packages are installed on first use.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackagesOf } from './packages-of.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
installPackagesOf(join(root, 'docs', 'site'), 'vitepress')
const { status } = spawnSync(process.execPath, [join(root, 'docs', 'site', 'build.mjs'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
