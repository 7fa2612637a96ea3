import type { ProjectFiles, RepositoryPlace } from '../../src/init/project-files.ts'

/** Files of a project that exist only in memory, for code that only reads. */
export function memoryProject(files: Readonly<Record<string, string>>, repository?: RepositoryPlace): ProjectFiles {
  const paths = Object.keys(files).sort()
  return {
    read: (path) => files[path],
    list: (folder) => [
      ...new Set(
        paths
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
    isFolder: (folder) => paths.some((path) => path.startsWith(`${folder}/`)),
    find: (ending) => paths.filter((path) => !path.startsWith('../') && ending.test(path)),
    repository: () => repository,
  }
}

export function packageJson(dependencies: readonly string[], more: object = {}): string {
  return JSON.stringify({
    name: 'app',
    dependencies: Object.fromEntries(dependencies.map((name) => [name, '1.0.0'])),
    ...more,
  })
}
