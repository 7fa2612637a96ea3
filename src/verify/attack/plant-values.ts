import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Relation } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { SqlReader } from '../../sql/reader.ts'
import { valuesInChecks } from './check-values.ts'

/** Makes values that fit a column's type, domain, enum and CHECK. The same `serial` gives the same value, so that a run can be repeated. */
export interface ValueMaker {
  /** SQL for the column's value, or undefined if no value is known to fit. */
  value(relation: Relation, column: Column, serial: number, canary: string): string | undefined
  /** Other values to try, most promising first: literals that the table's CHECKs and domains name, then other forms. */
  alternatives(relation: Relation, column: Column, serial: number, canary: string): readonly string[]
}

const STRINGS = new Set(['text', 'character varying', 'character', 'citext', 'name', '"char"', 'bpchar'])

export function valueMaker(catalog: Catalog, sql: SqlReader): ValueMaker {
  return {
    value(relation, column, serial, canary) {
      const named = valuesInChecks(catalog, sql, relation, column, serial)
      if (named[0] !== undefined) return `${quoteLiteral(named[0])}::${column.type}`
      return plain(catalog, column, serial, canary)
    },
    alternatives(relation, column, serial, canary) {
      const named = valuesInChecks(catalog, sql, relation, column, serial).map(
        (text) => `${quoteLiteral(text)}::${column.type}`,
      )
      const first = plain(catalog, column, serial, canary)
      return [...named, ...(first === undefined ? [] : [first]), ...shapes(catalog, column, serial, canary)]
    },
  }
}

function plain(catalog: Catalog, column: Column, serial: number, canary: string): string | undefined {
  const type = column.type
  const base = column.baseType
  const enumLabels = catalog.types.get(column.baseTypeOid)?.enumLabels ?? []
  if (enumLabels[0] !== undefined) return `${quoteLiteral(enumLabels[0])}::${type}`
  if (column.category === 'A') return `'{}'::${type}`
  if (STRINGS.has(base)) return `${quoteLiteral(fitText(type, canary))}::${type}`
  switch (base) {
    case 'uuid':
      return `${quoteLiteral(serialUuid(serial))}::${type}`
    case 'smallint':
      return `${(serial % 30000) + 1}::${type}`
    case 'integer':
    case 'bigint':
    case 'numeric':
    case 'real':
    case 'double precision':
      return fitNumber(type, serial)
    case 'boolean':
      return `false::${type}`
    case 'json':
    case 'jsonb':
      return `${quoteLiteral(JSON.stringify({ canary }))}::${type}`
    case 'date':
      return `(current_date + ${serial % 1000})::${type}`
    case 'timestamp with time zone':
    case 'timestamp without time zone':
      return `(now() + interval '${serial % 1000} minutes')::${type}`
    case 'time without time zone':
    case 'time with time zone':
      return `'12:00'::${type}`
    case 'interval':
      return `'1 hour'::${type}`
    case 'bytea':
      return `convert_to(${quoteLiteral(canary)}, 'UTF8')::${type}`
    case 'inet':
    case 'cidr':
      return `'10.${(serial >> 16) & 255}.${(serial >> 8) & 255}.${serial & 255}/32'::${type}`
    case 'macaddr':
      return `'08:00:2b:01:02:03'::${type}`
    case 'tsvector':
      return `to_tsvector('simple', ${quoteLiteral(canary)})::${type}`
    case 'xml':
      return `xmlparse(content ${quoteLiteral(`<c>${canary}</c>`)})::${type}`
    case 'money':
      return `1::money::${type}`
    case 'point':
      return `'(0,0)'::${type}`
    case 'bit':
    case 'bit varying':
      return `'0'::${type}`
    case 'ltree':
      return `${quoteLiteral(canary.replace(/[^A-Za-z0-9_]/g, '_'))}::${type}`
    case 'hstore':
      return `${quoteLiteral(`"canary"=>"${canary}"`)}::${type}`
    case 'oid':
      return `0::oid::${type}`
    default:
      return rangeOf(base, type, serial) ?? (isComposite(catalog, column) ? emptyComposite(type) : undefined)
  }
}

/** Values of the forms that common CHECKs ask for, such as e-mail addresses, URLs and currency codes. */
function shapes(catalog: Catalog, column: Column, serial: number, canary: string): readonly string[] {
  const type = column.type
  if (STRINGS.has(column.baseType)) {
    const texts = [
      `user${serial}@example.com`,
      `https://example.com/${serial}`,
      `slug-${serial}`,
      `a${serial}`,
      `A${serial}`,
      `+4930${String(serial).padStart(7, '0').slice(-7)}`,
      'EUR',
      'DE',
      'en',
      '#aabbcc',
      `${serial}`,
      '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
      'a'.repeat(40),
      '',
    ]
    return texts.map((text) => `${quoteLiteral(text)}::${type}`)
  }
  if (column.category === 'N')
    return ['1', '0', '10', '100', '0.5', '-1', '2024', '5', '50', '1000'].map((text) => `${text}::${type}`)
  if (column.category === 'A') return filledArrays(catalog, column, serial, canary)
  if (column.category === 'D')
    return [`now()::${type}`, `(now() - interval '1 day')::${type}`, `(now() + interval '30 days')::${type}`]
  if (column.baseType === 'json' || column.baseType === 'jsonb')
    return [`'{}'::${type}`, `'[]'::${type}`, `'null'::${type}`]
  if (column.baseType === 'boolean') return [`true::${type}`]
  return [`''::${type}`]
}

/** A short range that differs for each serial, so that exclusion constraints accept it. It is not empty, as CHECKs often require. */
function rangeOf(base: string, type: string, serial: number): string | undefined {
  const name = base.split('.').at(-1) ?? base
  if (!/range$/.test(name)) return undefined
  const near = serial % 100_000
  const bounds: Readonly<Record<string, string>> = {
    int4: `[${serial},${serial + 1})`,
    int8: `[${serial},${serial + 1})`,
    num: `[${serial},${serial + 1})`,
  }
  const kind = name.replace(/(multi)?range$/, '')
  const bound = bounds[kind]
  const text =
    bound !== undefined
      ? quoteLiteral(bound)
      : kind === 'date'
        ? `'[' || (current_date + ${near}) || ',' || (current_date + ${near + 1}) || ')'`
        : kind === 'ts' || kind === 'tstz'
          ? `'["' || (now() + interval '${near} hours') || '","' || (now() + interval '${near + 1} hours') || '")'`
          : `'empty'`
  const whole = !name.endsWith('multirange') ? text : text === `'empty'` ? `'{}'` : `'{' || ${text} || '}'`
  return `(${whole})::${type}`
}

/** Arrays with one element, of the forms that element types and domains may require. */
function filledArrays(catalog: Catalog, column: Column, serial: number, canary: string): readonly string[] {
  const name = column.baseType.replace(/(\[\])+$/, '')
  const element = [...catalog.types.values()].find(
    (type) => type.name === name || `${type.schema}.${type.name}` === name,
  )
  const texts = [
    ...(element?.enumLabels.slice(0, 1) ?? []),
    canary,
    String(serial),
    serialUuid(serial),
    `user${serial}@example.com`,
    '1',
    '{}',
    '2024-01-01',
    '10.0.0.1',
  ]
  const filled = texts.map((text) => `array[${quoteLiteral(text)}]::${column.type}`)
  return [...filled, `'{}'::${column.type}`, `array[null]::${column.type}`]
}

function isComposite(catalog: Catalog, column: Column): boolean {
  return catalog.types.get(column.baseTypeOid)?.kind === 'composite'
}

/** A composite value whose fields are NULL, for columns that are NOT NULL. */
function emptyComposite(type: string): string {
  return `jsonb_populate_record(null::${type}, '{}')`
}

/** Cuts a text to the type's modifier: `character varying(8)`. */
function fitText(type: string, text: string): string {
  const limit = /\((\d+)\)/.exec(type)?.[1]
  if (type === '"char"') return 'c'
  if (limit === undefined || Number(limit) >= text.length) return text
  // Keep the end: canaries of the two tenants differ in their last letter.
  return text.slice(-Number(limit))
}

function fitNumber(type: string, serial: number): string {
  const precision = /^numeric\((\d+)(?:,(\d+))?\)/.exec(type)
  if (precision === null) return `${serial}::${type}`
  const whole = Number(precision[1]) - Number(precision[2] ?? 0)
  return `${whole <= 0 ? 0 : serial % 10 ** Math.min(whole, 9)}::${type}`
}

/** A valid version 4 uuid that carries the serial. */
export function serialUuid(serial: number): string {
  return `ba5e0000-0000-4000-8000-${serial.toString(16).padStart(12, '0')}`
}
