// Compiles the TypeScript and JavaScript blocks of documents under strict, as an ES module of a project that has installed partywall.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const EXTENSIONS = { ts: '.mts', tsx: '.tsx', js: '.mjs' }

const OPTIONS = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  allowJs: true,
  checkJs: true,
  experimentalDecorators: true,
  allowImportingTsExtensions: true,
  jsx: ts.JsxEmit.Preserve,
  noEmit: true,
  skipLibCheck: true,
}
const OPTIONS_OF_JAVASCRIPT = { ...OPTIONS, strict: false }

/** Modules of the reader's own project that blocks import. */
const OWN_MODULES = { 'wall.d.ts': "export declare const wall: import('partywall').Partywall" }

/**
 * Names that a block uses and does not declare (`wall`, `app`) are declared in names/every-page.d.ts, and for one page alone in
 * names/PAGE.d.ts. They have types of their own, so that a wrong use of them fails too.
 *
 * @param root folder of the repository, built: blocks import `partywall/…` from dist, as users do
 * @param blocks `document`, and what `blocksOf` returns
 * @returns faults: `document`, `line` in the document, `message`
 */
export function checkTypeScript(root, blocks) {
  const names = join(root, 'scripts', 'docs-check', 'names')
  const ownNames = new Set(readdirSync(names).map((name) => name.replace(/\.d\.ts$/, '')))
  const groups = new Map()
  for (const block of blocks) {
    const page = block.document.replace(/\.md$/, '').replaceAll('/', '-')
    const key = `${block.language === 'js' ? 'js' : 'ts'} ${ownNames.has(page) ? page : ''}`
    groups.set(key, [...(groups.get(key) ?? []), block])
  }
  const sources = new Map()
  return [...groups].flatMap(([key, group]) => {
    const [language, page] = key.split(' ')
    const files = ['every-page', 'modules', ...(page === '' ? [] : [page])].map((name) => join(names, `${name}.d.ts`))
    return compile(root, group, files, sources, language === 'js' ? OPTIONS_OF_JAVASCRIPT : OPTIONS)
  })
}

function compile(root, blocks, names, sources, options) {
  const files = new Map(
    blocks.map((block, index) => {
      const name = `${block.document.replaceAll('/', '-')}.${index}${EXTENSIONS[block.language]}`
      return [join(root, 'docs', name), block]
    }),
  )
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists, getSourceFile } = host
  const texts = new Map([...files].map(([path, { code }]) => [path, `${code}\nexport {}\n`]))
  for (const [name, text] of Object.entries(OWN_MODULES)) texts.set(join(root, 'docs', name), text)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.getSourceFile = (path, version) => {
    if (texts.has(path)) return ts.createSourceFile(path, texts.get(path), version)
    if (!sources.has(path)) sources.set(path, getSourceFile(path, version))
    return sources.get(path)
  }
  const program = ts.createProgram({ rootNames: [...files.keys(), ...names], options, host })
  const broken = names.flatMap((path) => program.getSemanticDiagnostics(program.getSourceFile(path)))
  if (broken.length > 0) throw new Error(ts.formatDiagnostics(broken, formatHost))
  return [...files].flatMap(([path, block]) => faultsOf(program, path, block))
}

const formatHost = { getCurrentDirectory: () => '', getCanonicalFileName: (name) => name, getNewLine: () => '\n' }

function faultsOf(program, path, block) {
  const source = program.getSourceFile(path)
  const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
  return diagnostics.map(({ start = 0, messageText, code }) => ({
    document: block.document,
    line: block.line + 1 + source.getLineAndCharacterOfPosition(start).line,
    message: `TS${code} ${ts.flattenDiagnosticMessageText(messageText, '\n  ')}`,
  }))
}
