// The reference of the API, from the docstrings of what each entry point exports.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Application, LogLevel } from 'typedoc'
import { load } from 'typedoc-plugin-markdown'

/**
 * Writes one page for each entry point that package.json names.
 *
 * TypeDoc's own default folder is `docs/`, and it empties that folder first. So nothing here calls `generateOutputs`, the
 * folder is given, and `cleanOutputDir` is off: the caller empties the folder.
 *
 * @param place `root`: folder of the repository; `out`: empty folder for the pages
 * @throws if TypeDoc reports an error
 */
export async function writeApiReference({ root, out }) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entryPoints = Object.values(exports)
    .filter((target) => typeof target === 'object')
    .map(({ types }) => join(root, types.replace('./dist/', './').replace(/\.d\.ts$/, '.ts')))
  const application = await Application.bootstrapWithPlugins({
    entryPoints,
    out,
    cleanOutputDir: false,
    tsconfig: join(root, 'docs', 'site', 'tsconfig.json'),
    plugin: [load],
    basePath: join(root, 'src'),
    readme: 'none',
    name: 'API',
    disableGit: true,
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true,
    logLevel: LogLevel.Error,
    entryFileName: 'index',
    hidePageHeader: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    sanitizeComments: true,
    router: 'module',
  })
  const project = await application.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the entry points')
  for (const module of project.children ?? []) module.name = entryPointName(module.name)
  await application.outputs.writeOutput({ name: 'markdown', path: out }, project)
  if (application.logger.hasErrors()) throw new Error('TypeDoc reports errors: see above')
}

/** `database/index` is imported as `partywall/database`, `middleware/express` as `partywall/express`. */
function entryPointName(module) {
  const path = module.replace(/(^|\/)index$/, '').replace(/^middleware\//, '')
  return path === '' ? 'partywall' : `partywall/${path}`
}
