import { z } from 'zod'
import { ConfigurationError } from '../../errors.ts'
import type { ProjectFiles } from '../project-files.ts'

const names = z.record(z.string(), z.string()).default({})
const schema = z.looseObject({
  name: z.string().optional(),
  type: z.enum(['module', 'commonjs']).optional(),
  scripts: names,
  dependencies: names,
  devDependencies: names,
  packageManager: z.string().optional(),
  workspaces: z.unknown().optional(),
  jest: z
    .looseObject({ rootDir: z.string().optional(), testRegex: z.unknown().optional() })
    .optional()
    .catch(undefined),
})

/** What package.json says of a project. */
export interface Manifest {
  readonly name: string | undefined
  readonly isModule: boolean
  readonly scripts: Readonly<Record<string, string>>
  /** The script that runs the tests. The script that `npm init` writes does not count, because it only fails. */
  readonly testScript: string | undefined
  /** Whether a package is in dependencies or devDependencies. */
  readonly has: (name: string) => boolean
  /** Whether a package is in dependencies, and so is also installed in production. */
  readonly hasAtRuntime: (name: string) => boolean
  readonly packageManager: string | undefined
  readonly isWorkspaceRoot: boolean
  /** Where Jest looks for tests, if package.json says so: `src`, and `.*\\.spec\\.ts$`. */
  readonly jest: { readonly rootDir: string | undefined; readonly testRegex: string | undefined } | undefined
}

/**
 * Reads package.json.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is none, or if it can't be read
 */
export function readManifest(files: ProjectFiles): Manifest {
  const text = files.read('package.json')
  if (text === undefined)
    throw new ConfigurationError('There is no package.json here. Run partywall init in the folder of your application.')
  let parsed: z.infer<typeof schema>
  try {
    parsed = schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new ConfigurationError('package.json is not valid JSON of npm.', { cause })
  }
  const all = { ...parsed.devDependencies, ...parsed.dependencies }
  return {
    name: parsed.name,
    isModule: parsed.type === 'module',
    scripts: parsed.scripts,
    testScript: parsed.scripts['test']?.includes('no test specified') === true ? undefined : parsed.scripts['test'],
    has: (name) => Object.hasOwn(all, name),
    hasAtRuntime: (name) => Object.hasOwn(parsed.dependencies, name),
    packageManager: parsed.packageManager,
    jest: parsed.jest === undefined ? undefined : jestOf(parsed.jest),
    isWorkspaceRoot: parsed.workspaces !== undefined || files.read('pnpm-workspace.yaml') !== undefined,
  }
}

function jestOf({ rootDir, testRegex }: NonNullable<z.infer<typeof schema>['jest']>): NonNullable<Manifest['jest']> {
  return {
    rootDir: rootDir?.replace(/^(?:<rootDir>|\.)\/?|\/$/g, '') || undefined,
    testRegex: typeof testRegex === 'string' ? testRegex : undefined,
  }
}
