import type { Statement } from './split-statements.ts'

/** `:DATABASE_OWNER`, `:'NAME'`, `:"NAME"`: variables of psql and graphile-migrate, but no cast `::type` and no array slice. */
const VARIABLE = /(?<![:\w\])])(:)(['"]?)([A-Z][A-Z0-9_]{2,})\2(?![\w(])/g

/**
 * The statement with its placeholders replaced: by the placeholder's name in lower case or, if the name is about the database, by the name
 * of this database. Undefined if the statement has no placeholder.
 */
export function fillVariables(
  statement: Statement,
  database: string,
): { readonly text: string; readonly filled: readonly string[] } | undefined {
  const filled = new Set<string>()
  const text = statement.text.replace(VARIABLE, (_whole, _colon: string, quote: string, name: string) => {
    filled.add(name)
    const value = /^(DATABASE_NAME|DB_NAME|DBNAME|DATABASE)$/.test(name) ? database : name.toLowerCase()
    return quote === "'" ? `'${value.replaceAll("'", "''")}'` : `"${value.replaceAll('"', '""')}"`
  })
  return filled.size === 0 ? undefined : { text, filled: [...filled] }
}

const TOOLS: readonly (readonly [pattern: RegExp, tool: string, cure: string])[] = [
  [/\$\{[\w.:-]+\}/, 'Flyway or Liquibase', 'let the tool fill them: --run "flyway migrate"'],
  [/\{\{.*?\}\}/s, 'a template engine', 'render the files first, or let the tool run them: --run "COMMAND"'],
  [/<%=?.*?%>/s, 'ERB', 'let the tool run them: --run "COMMAND"'],
  [/(?<![:\w])@[\w]+@/, 'a build tool', 'let the tool fill them: --run "COMMAND"'],
  [
    /(?<![:\w\]])(:)(['"]?)[A-Za-z_]\w*\2/,
    'psql or graphile-migrate',
    'run the tool: --run "graphile-migrate migrate", or --run "psql -v NAME=VALUE -f FILE"',
  ],
]

/** For a statement with a syntax error: which tool's placeholder it contains, and what to do. */
export function placeholderHint(statement: Statement): string | undefined {
  for (const [pattern, tool, cure] of TOOLS) {
    const found = pattern.exec(statement.text)?.[0]
    if (found !== undefined) return `${found} is a placeholder of ${tool}: ${cure}`
  }
  return undefined
}

/** A note for the report that lists the filled placeholders and their values. */
export function filledNote(names: ReadonlySet<string>): readonly string[] {
  if (names.size === 0) return []
  const list = [...names].map((name) => `:${name} as ${name.toLowerCase()}`)
  return [`placeholders filled for this run: ${list.join(', ')}`]
}
