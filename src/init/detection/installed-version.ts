import type { ProjectFiles } from '../project-files.ts'

/** The version of a package in node_modules, here or in the two folders above. Undefined if it is not there. */
export function installedVersion(files: ProjectFiles, name: string): readonly [number, number] | undefined {
  for (const up of ['', '../', '../../']) {
    const text = files.read(`${up}node_modules/${name}/package.json`)
    const found = /"version"\s*:\s*"(\d+)\.(\d+)/.exec(text ?? '')
    if (found !== null) return [Number(found[1]), Number(found[2])]
  }
  return undefined
}

export function isOlder([major, minor]: readonly [number, number], than: readonly [number, number]): boolean {
  return major < than[0] || (major === than[0] && minor < than[1])
}
