import type { Catalog } from '../../catalog/catalog.ts'
import type { SqlReader } from '../../sql/reader.ts'
import { walkBody } from '../../sql/walk.ts'
import { constantText } from './settings.ts'

/** Settings that functions of the schema set to one of their arguments: `set_config('app.tenant_id', $1::text, true)`. */
export function settersOf(catalog: Catalog, sql: SqlReader): readonly string[] {
  const found = new Set<string>()
  for (const fn of catalog.functions.values()) {
    if (fn.extension !== undefined || fn.schema === 'partywall' || fn.schema === 'pg_catalog') continue
    if (fn.returnsTrigger || !/set_config/i.test(`${fn.source}${fn.atomicBody ?? ''}`)) continue
    const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
    if (inputs.length === 0) continue
    walkBody(sql.body(fn), {
      expression: (expr) => {
        if (expr.kind !== 'call' || expr.name !== 'set_config') return
        const [name, value] = expr.args
        const text = name === undefined ? undefined : constantText(name)
        if (text !== undefined && value !== undefined && constantText(value) === undefined)
          found.add(text.toLowerCase())
      },
    })
  }
  return [...found]
}
