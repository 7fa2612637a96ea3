import { ENV_FILES } from '../../config/connection-variables.ts'
import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'

/** How the file of the wall reads its settings. */
interface WallSettings {
  readonly imports: readonly string[]
  /** Statements before everything else; `setting(name)` is one of their functions. */
  readonly code: string
}

/**
 * The wall is made when its file is loaded. Libraries such as NestJS's ConfigModule and `dotenv.config()` read the env files later than that, so
 * the file reads them itself. The environment has priority, and nothing is added to it.
 */
export function wallSettings(files: ProjectFiles, { manifest, style }: Project): WallSettings {
  const typed = style.language === 'ts'
  const type = typed ? ': string' : ''
  const refuse = `  if (value === undefined || value === '') throw new Error(\`\${name} is not set: give it in the environment, or in .env\`)\n  return value\n}`
  const names = envFiles(files)
  if (manifest.hasAtRuntime('dotenv') && names.length === 1)
    return {
      imports: [style.modules === 'commonjs' ? "require('dotenv/config')" : "import 'dotenv/config'"],
      code: `function setting(name${type})${type} {\n  const value = process.env[name]\n${refuse}`,
    }
  const list = names.map((name) => `'${name}'`).join(', ')
  const record = typed ? ': Record<string, string | undefined>' : ''
  return {
    imports:
      style.modules === 'commonjs'
        ? ["const { existsSync, readFileSync } = require('node:fs')", "const { parseEnv } = require('node:util')"]
        : ["import { existsSync, readFileSync } from 'node:fs'", "import { parseEnv } from 'node:util'"],
    code: `// Read here too, because this file may be loaded before the application reads them. The environment has priority, then the first file with the name.
const fileSettings${record} = {}
for (const file of [${list}])
  if (existsSync(file)) Object.assign(fileSettings, { ...parseEnv(readFileSync(file, 'utf8')), ...fileSettings })

function setting(name${type})${type} {\n  const value = process.env[name] ?? fileSettings[name]\n${refuse}`,
  }
}

/** `.env`, into which init writes, and other env files that the code names. */
function envFiles(files: ProjectFiles): readonly string[] {
  const texts = files.find(/\.[cm]?[jt]s$/).map((path) => files.read(path) ?? '')
  const named = ENV_FILES.filter((name) => name !== '.env' && files.read(name) !== undefined).filter((name) =>
    texts.some((text) => [`'${name}'`, `"${name}"`, `\`${name}\``].some((literal) => text.includes(literal))),
  )
  return ['.env', ...named]
}
