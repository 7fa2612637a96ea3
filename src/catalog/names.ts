/** Quotes an identifier for SQL. A plain lower-case name that is not a keyword stays unquoted. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** `schema.name`, quoted for SQL. */
export function qualifiedName(object: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(object.schema)}.${quoteIdentifier(object.name)}`
}

/** A string constant for SQL that is valid with every value of `standard_conforming_strings`. */
export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

// Reserved words, and words that can't be a column or type name. Quoting too many words is harmless; quoting too few is not.
const KEYWORDS = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char
  character check coalesce collate collation column concurrently constraint create cross current_catalog current_date
  current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do
  else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike
  in initially inner inout int integer intersect interval into is isnull join json lateral leading least left like limit
  localtime localtimestamp merge national natural nchar none normalize not notnull null nullif numeric of offset on only or
  order out outer overlaps overlay placing position precision primary real references returning right row select
  session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to trailing
  treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat
  xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`.split(/\s+/),
)

/** Types of extensions. Their schema depends on the installation, so they are recognised by name only. */
const EXTENSION_TYPES = /^(?:\w+|"[^"]+")\.(citext|ltree|lquery|hstore|lo)((?:\[\])*)$/

/** Turns `public.citext` into `citext`. Every other type stays as the server prints it. */
export function withoutExtensionSchema(type: string): string {
  return type.replace(EXTENSION_TYPES, '$1$2')
}
