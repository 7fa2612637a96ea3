import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The part of Jest's options for a transformer that is used here. */
interface TransformOptions {
  readonly config: { readonly rootDir: string }
}

/** TypeScript's compiler. In its options `module: 1` means CommonJS, and `target: 9` means ES2022. */
interface Compiler {
  transpileModule(source: string, options: object): { readonly outputText: string }
}

/**
 * A transformer for Jest. Jest loads only CommonJS, but partywall and jose are ES modules. If the project has TypeScript installed, the
 * transformer compiles them to CommonJS. Then partywall shares NestJS and other packages with the tests. Without TypeScript, Node.js loads
 * partywall and jose outside of Jest's module registry.
 *
 * @example
 * ```json
 * { "transform": { "/node_modules/(?:partywall|jose)/.+\\.js$": "partywall/jest" },
 *   "transformIgnorePatterns": ["/node_modules/(?!(?:.*\/)?(?:partywall|jose)/)"] }
 * ```
 * @see https://jestjs.io/docs/code-transformation
 */
const transformer = {
  process(source: string, path: string, { config }: TransformOptions): { readonly code: string } {
    const compiler = compilerOf(config.rootDir)
    if (compiler === undefined) return { code: NATIVE }
    const compilerOptions = { module: 1, target: 9, esModuleInterop: true }
    const { outputText } = compiler.transpileModule(source, { fileName: path, compilerOptions })
    return { code: outputText.replaceAll('import.meta.url', MODULE_URL) }
  },
}

export default transformer

/** Jest replaces `require` and `process`. This code gets the original `require` of Node.js, which can load ES modules. */
const NATIVE = `const { createRequire } = require('node:vm').runInThisContext("process.getBuiltinModule('node:module')")
module.exports = createRequire(__filename)(__filename)`

const MODULE_URL = `require('node:url').pathToFileURL(__filename).href`

function compilerOf(rootDir: string): Compiler | undefined {
  try {
    const found: unknown = createRequire(join(rootDir, 'package.json'))('typescript')
    return isCompiler(found) ? found : undefined
  } catch {
    return undefined // an application in JavaScript
  }
}

function isCompiler(module: unknown): module is Compiler {
  return module !== null && typeof module === 'object' && typeof Reflect.get(module, 'transpileModule') === 'function'
}
