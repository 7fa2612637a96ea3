import { isNode, type Node, namesOf, nodeOf, nodesOf, numberOf, textOf, unwrap } from './nodes.ts'

/** The value of a literal. */
export function lowerConstant(fields: Node): string | number | boolean | null {
  if (fields['isnull'] === true) return null
  if (isNode(fields['ival'])) return numberOf(fields['ival']['ival'])
  if (isNode(fields['fval'])) return textOf(fields['fval']['fval']) ?? '0'
  if (isNode(fields['boolval'])) return fields['boolval']['boolval'] === true
  if (isNode(fields['bsval'])) return textOf(fields['bsval']['bsval']) ?? ''
  return textOf(nodeOf(fields['sval'])?.['sval']) ?? ''
}

/** The schema in `OPERATOR(schema.op)`; undefined for pg_catalog. */
export function operatorSchema(names: unknown): { readonly schema?: string } {
  const schema = namesOf(names).at(-2)
  return schema === undefined || schema === 'pg_catalog' ? {} : { schema }
}

/** Column names in `AS alias (columns)`. */
export function aliasColumns(alias: unknown): { readonly columns?: readonly string[] } {
  const columns = namesOf(nodeOf(alias)?.['colnames'])
  return columns.length === 0 ? {} : { columns }
}

/** The name of a type as format_type prints it, with its modifiers: `integer` for `pg_catalog.int4` and `int4`. */
export function typeName(node: Node | undefined): string {
  if (node === undefined) return ''
  const names = namesOf(node['names']).filter((name) => name !== 'pg_catalog')
  const name = names.join('.')
  const modifier = nodesOf(node['typmods']).map((item) => {
    const [kind, fields] = unwrap(item)
    return kind === 'A_Const' ? String(lowerConstant(fields)) : '?'
  })
  // The parser adds the modifier 1 to `character` and `bit`. Keep it, because a cast to this type truncates the value.
  const suffix = modifier.length > 0 ? `(${modifier.join(',')})` : ''
  const array = nodesOf(node['arrayBounds']).length > 0 ? '[]' : ''
  return `${TYPE_NAMES[name] ?? name}${suffix}${array}`
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
  varchar: 'character varying',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
}
