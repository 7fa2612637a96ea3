import type { Project } from '../detection/project.ts'
import type { PlannedFile, Wiring } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'

/** Input of each wiring. */
export interface WireTask {
  readonly files: ProjectFiles
  readonly project: Project
  /** The file that holds the wall, such as `src/partywall.ts`. */
  readonly wallPath: string
}

/** Source files of the application itself: no tests, migrations, scripts or configuration. */
function applicationSources({ files, wallPath }: WireTask): readonly string[] {
  return files
    .find(/\.[cm]?[jt]sx?$/)
    .filter((path) => path !== wallPath && !/\.d\.[cm]?ts$/.test(path))
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|e2e|spec|migrations?|seeds?|scripts?|bin)\//.test(path))
    .filter((path) => !/(?:^|\/)[^/]*(?:\.(?:test|spec|config)\.|migrat|seed|data-?source)[^/]*$/i.test(path))
}

/** The only application source whose text matches; undefined if there are none or several. */
export function onlySource(
  task: WireTask,
  pattern: RegExp,
): { readonly path: string; readonly text: string } | undefined {
  const found = sourcesWith(task, pattern)
  return found.length === 1 ? found[0] : undefined
}

/** The application sources whose text matches. */
export function sourcesWith(
  task: WireTask,
  pattern: RegExp,
): readonly { readonly path: string; readonly text: string }[] {
  return applicationSources(task).flatMap((path) => {
    const text = task.files.read(path) ?? ''
    return text.search(pattern) >= 0 ? [{ path, text }] : []
  })
}

/** The task after edits: a later edit of the same file then starts from the text after these edits. */
export function afterEdits(task: WireTask, edits: readonly PlannedFile[]): WireTask {
  const texts = new Map(edits.flatMap((each) => (each.kind === 'edit' ? [[each.path, each.content] as const] : [])))
  return { ...task, files: { ...task.files, read: (path) => texts.get(path) ?? task.files.read(path) } }
}

export function edit(path: string, before: string, content: string, why: string): PlannedFile {
  return { kind: 'edit', path, before, content, why }
}

export function byHand(path: string, why: string, lines: readonly string[]): Wiring {
  return { edits: [], byHand: [{ path, why, lines }] }
}
