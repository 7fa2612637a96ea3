import type { Catalog } from './catalog.ts'
import type { DatabaseFunction, Oid, Relation } from './model.ts'
import { type PartNames, partNames } from './part-names.ts'

/** One part of a schema that a migration can change. */
export interface SchemaPart {
  /** The table, function, role or schema that the part belongs to. */
  readonly object: string
  /** For example `policy tenant_isolation on public.tasks`. */
  readonly name: string
  /** `rows`: a trial that runs statements can show the effect of a change. `code` and `role`: no trial can, only the rules of verify and people. */
  readonly kind: 'rows' | 'code' | 'role'
  /** Two parts with the same name are equal if their texts are equal. */
  readonly text: string
}

/**
 * Returns the parts of a schema by name. PostgreSQL's own objects are left out, and the texts contain no object ids.
 *
 * @param roles `all`: every role of the server. `reached`: only owners, grantees and roles of policies, and all roles that these roles can
 *   become
 */
export function schemaParts(catalog: Catalog, roles: 'all' | 'reached'): ReadonlyMap<string, SchemaPart> {
  const names = partNames(catalog)
  const objects = objectParts(catalog, names)
  const reached = roles === 'all' ? new Set(catalog.roles.keys()) : reachedBy(names.asked, catalog)
  return new Map([...objects, ...roleParts(catalog, reached)].map((part) => [part.name, part]))
}

/** Returns the parts of schemas, relations and functions. */
export function objectParts(catalog: Catalog, names: PartNames): readonly SchemaPart[] {
  return [
    ...[...catalog.relations.values()].flatMap((relation) => partsOf(relation, catalog, names)),
    ...[...catalog.functions.values()].flatMap((fn) => functionParts(fn, names)),
    ...[...catalog.schemas.values()].map(({ name: object, owner, grants }): SchemaPart => {
      const text = JSON.stringify([names.of(owner), names.grants(grants)])
      return { object, name: `schema ${object}`, kind: 'rows', text }
    }),
  ]
}

/** Returns the chosen roles with their attributes and the roles that they are members of. */
export function roleParts(catalog: Catalog, chosen: ReadonlySet<Oid>): readonly SchemaPart[] {
  const names = partNames(catalog)
  return [...catalog.roles.values()].flatMap(({ oid, ...role }): readonly SchemaPart[] => {
    if (!chosen.has(oid)) return []
    const member = catalog.memberships.filter((each) => each.member === oid)
    const of = member.map((each) => `${names.of(each.role)} ${each.admin} ${each.inherit} ${each.set}`).sort()
    return [{ object: role.name, name: `role ${role.name}`, kind: 'role', text: JSON.stringify([role, of]) }]
  })
}

/** Returns the given roles, and the roles that they are members of, directly or through other roles. */
export function reachedBy(roles: ReadonlySet<Oid>, { memberships }: Catalog): ReadonlySet<Oid> {
  const reached = new Set(roles)
  // The loop over a Set also visits the roles that are added while it runs.
  for (const member of reached) for (const each of memberships) if (each.member === member) reached.add(each.role)
  return reached
}

function functionParts(fn: DatabaseFunction, names: PartNames): readonly SchemaPart[] {
  const { label: object, owner, securityDefiner, definition, source, config, grants } = fn
  // Aggregates and functions of extensions have no definition. These attributes are compared instead.
  const attributes = [
    fn.kind,
    fn.language,
    fn.leakproof,
    fn.volatility,
    fn.strict,
    fn.returnType,
    fn.defaultedArguments,
  ]
  const text = JSON.stringify([
    names.of(owner),
    securityDefiner,
    definition ?? [source, attributes],
    [...config].sort(),
    fn.extension,
  ])
  return [
    { object, name: `function ${object}`, kind: 'code', text },
    { object, name: `privileges on function ${object}`, kind: 'code', text: names.grants(grants) },
  ]
}

function partsOf(relation: Relation, catalog: Catalog, names: PartNames): readonly SchemaPart[] {
  const { label: object, rowSecurity, forceRowSecurity } = relation
  const part = (name: string, kind: SchemaPart['kind'], ...values: readonly unknown[]): SchemaPart => ({
    object,
    name,
    kind,
    text: JSON.stringify(values),
  })
  return [
    part(
      `${relation.kind} ${object}`,
      'rows',
      names.of(relation.owner),
      [...relation.options].sort(),
      relation.viewDefinition,
      placeOf(relation, catalog),
    ),
    part(`row-level security of ${object}`, 'rows', rowSecurity, forceRowSecurity),
    part(`privileges on ${object}`, 'rows', names.grants(relation.grants)),
    ...relation.columns.map((column) =>
      part(
        `column ${object}.${column.name}`,
        'rows',
        [column.type, column.baseType, column.collation, column.deterministic],
        column.notNull,
        column.default,
        [column.generated, column.identity],
        names.grants(column.grants),
      ),
    ),
    ...relation.policies.map(({ name, permissive, command, roles, using, check }) =>
      part(`policy ${name} on ${object}`, 'rows', permissive, command, roles.map(names.of).sort(), using, check),
    ),
    ...relation.constraints.map(({ name, definition }) => part(`constraint ${name} on ${object}`, 'rows', definition)),
    ...relation.indexes.map(({ name, definition, valid }) =>
      part(`index ${name} on ${object}`, 'rows', definition, valid),
    ),
    ...relation.triggers.map(({ name, enabled, definition }) =>
      part(`trigger ${name} on ${object}`, 'code', enabled, definition),
    ),
    ...relation.rules.map((rule) => part(`rule ${rule.name} on ${object}`, 'code', rule.definition, rule.enabled)),
  ]
}

/** Returns what binds a relation to other objects: partitions, INHERITS, and the server of a foreign table. */
function placeOf(relation: Relation, catalog: Catalog): readonly unknown[] {
  const parents = relation.parents.map((oid) => catalog.relations.get(oid)?.label ?? 'a relation of another schema')
  const server = catalog.foreignServers.find(({ oid }) => oid === relation.foreignServer)?.name
  const { isPartition, partitionBound, partitionKey, unlogged, extension } = relation
  return [[...parents].sort(), isPartition, partitionBound, partitionKey, unlogged, server, extension]
}
