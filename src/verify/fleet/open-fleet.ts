import type { Catalog } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'
import type { FoundSchemas } from '../../tenancy/fleet/find-schemas.ts'

/** The tenants' schemas, and the catalog without them. */
export interface OpenFleet {
  readonly found: FoundSchemas
  readonly catalog: Catalog
  /** Tables of the tenants' schemas. */
  readonly tables: readonly Relation[]
  /** The setting that their policies read. */
  readonly setting: string | undefined
}

/**
 * Takes the schemas of single tenants out of the catalog: separate rules judge them, because their policies compare the context with a
 * constant and not with a column.
 *
 * @returns undefined if there is no such schema
 */
export function takeFleet(catalog: Catalog, found: FoundSchemas): OpenFleet | undefined {
  if (found.schemas.length === 0 && (found.registry ?? []).length === 0) return undefined
  const names = new Set(found.schemas.map(({ name }) => name))
  const without = <T extends { readonly schema: string }>(items: ReadonlyMap<number, T>) =>
    new Map([...items].filter(([, item]) => !names.has(item.schema)))
  const tables = [...catalog.relations.values()].filter(
    ({ schema, kind }) => names.has(schema) && (kind === 'table' || kind === 'partitioned-table'),
  )
  return {
    found,
    tables,
    setting: settingOf(tables),
    catalog: Object.freeze({
      ...catalog,
      relations: without(catalog.relations),
      functions: without(catalog.functions),
      types: without(catalog.types),
      schemas: new Map([...catalog.schemas].filter(([, { name }]) => !names.has(name))),
      defaultPrivileges: catalog.defaultPrivileges.filter(
        ({ schema }) => !found.schemas.some(({ oid }) => oid === schema),
      ),
    }),
  }
}

/** The custom setting that most policies read. */
function settingOf(tables: readonly Relation[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { policies } of tables)
    for (const { using } of policies) {
      const name = /current_setting\('([a-z_]\w{0,62}\.\w{1,63})'/.exec(using ?? '')?.[1]
      if (name !== undefined && name !== 'app.tenant_seal') counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
