import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The version of a package of the root, or of `folder`. Read from the file, because some packages do not export theirs. */
export function installedVersion(name: string, folder = new URL('../../../', import.meta.url)): string {
  const file = fileURLToPath(new URL(`node_modules/${name}/package.json`, folder))
  const content: { readonly version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return content.version
}
