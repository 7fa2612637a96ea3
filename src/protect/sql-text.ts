import { quoteLiteral } from '../catalog/names.ts'

/** The setting that names a session's tenant; `path` if the value is inside JSON. */
export interface TenantSetting {
  readonly setting: string
  readonly path: readonly string[]
}

/** SQL for the session's tenant, cast to a column's type. The value is NULL if the setting is missing or ''. */
export function contextSql({ setting, path }: TenantSetting, cast: string): string {
  const raw = `current_setting(${quoteLiteral(setting)}, true)`
  if (path.length === 0) return `nullif(${raw}, '')${castTo(cast)}`
  return `nullif(${jsonPath(raw, path)}, '')${castTo(cast)}`
}

/** SQL for the session's tenant as text, for the guard trigger. */
export function contextText({ setting, path }: TenantSetting): string {
  return contextSql({ setting, path }, 'text')
}

function castTo(cast: string): string {
  return cast === 'text' ? '' : `::${cast}`
}

function jsonPath(raw: string, path: readonly string[]): string {
  const steps = path.map((key, at) => `${at === path.length - 1 ? '->>' : '->'} ${quoteLiteral(key)}`)
  return `nullif(${raw}, '')::json ${steps.join(' ')}`
}

/** A DO block. Its dollar-quote tag does not occur in the body. */
export function doBlock(body: string, declare: readonly string[] = []): string {
  const tag = dollarTag(body)
  const declarations = declare.length === 0 ? '' : `DECLARE\n${declare.map((line) => `  ${line}\n`).join('')}`
  return `DO ${tag}\n${declarations}BEGIN\n${body}\nEND\n${tag};`
}

export function dollarTag(body: string): string {
  let tag = '$partywall$'
  for (let at = 1; body.includes(tag); at += 1) tag = `$partywall${at}$`
  return tag
}

/** An SQL comment of one line, even if a name in it contains line breaks. */
export function commentLine(text: string): string {
  return `-- ${text.replace(/\s+/g, ' ').trim()}`
}

/** SQL that a person may want to run, commented out line by line. */
export function commentedOut(sql: string): string {
  return sql
    .split(/\r\n|\r|\n/)
    .map((line) => `--   ${line}`)
    .join('\n')
}

/** Escapes a label for the format string of RAISE, in which % is a placeholder. */
export function forFormat(label: string): string {
  return label.replaceAll("'", "''").replaceAll('%', '%%')
}

/**
 * Whether an expression that the server printed equals an expression that we would write. The server adds parentheses, casts to text and an
 * alias for a subquery; everything else must be equal.
 */
export function sameExpression(printed: string | undefined, ours: string | undefined): boolean {
  if (printed === undefined || ours === undefined) return printed === ours
  const schema = /::("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\./.exec(ours)?.[1]
  // For a type outside of pg_catalog, the server prints OPERATOR(schema.=).
  const named = schema === undefined ? printed : printed.replaceAll(`OPERATOR(${schema}.=)`, '=')
  return plain(named) === plain(ours)
}

function plain(text: string): string {
  let plain = ''
  // Keep strings unchanged, because upper case and spaces are significant in them.
  for (const [part, string] of text.matchAll(/('(?:[^']|'')*')|[^']+/g))
    plain +=
      string ??
      part
        .toLowerCase()
        .replace(SUBSELECT_ALIAS, '')
        .replace(/::text\b/g, '')
        .replace(/[()\s]/g, '')
  return plain
}

/** The alias that the server adds to a subquery's column: the name of its function or type. */
const SUBSELECT_ALIAS = / as (?:"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)/g
