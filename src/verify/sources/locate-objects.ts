import type { MigrationFile } from './read-migrations.ts'

const creates =
  /^create\s+(?:or\s+replace\s+)?(?:(?:unlogged|foreign|recursive)\s+)?(?:table|view|materialized\s+view|function|procedure)\s+(?:if\s+not\s+exists\s+)?((?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))?)/i

/** Finds the file and line that create an object, for reports that point into code. Objects created in a DO block are not found. */
export function locateObjects(
  files: readonly MigrationFile[],
): (object: string) => { readonly file: string; readonly line: number } | undefined {
  const places = new Map<string, { file: string; line: number }>()
  for (const file of files) {
    for (const statement of file.statements) {
      const name = creates.exec(statement.text)?.[1]
      if (name !== undefined) places.set(labelOf(name), { file: file.name, line: statement.line })
    }
  }
  return (object) => places.get(object.replace(/\(.*$/s, ''))
}

/** The label of a name in reports: `"App" . t` is `App.t`. Without a schema, `public` is assumed. */
function labelOf(name: string): string {
  const parts = (name.match(/"(?:[^"]|"")+"|[\w$]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
  )
  return parts.length === 1 ? `public.${parts[0]}` : parts.join('.')
}
