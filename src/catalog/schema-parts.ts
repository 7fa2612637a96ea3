import type { Catalog } from './catalog.ts'
import type { Grant, Oid, Relation } from './model.ts'

/** One part of a schema that a migration can change. */
export interface SchemaPart {
  /** The table, function, role or schema that it belongs to. */
  readonly object: string
  /** `policy tenant_isolation on public.tasks`. */
  readonly name: string
  /** `rows`: trying statements shows a change. `code` and `role`: only rules and people judge it. */
  readonly kind: 'rows' | 'code' | 'role'
  /** Two parts with the same text are the same. */
  readonly text: string
}

/**
 * The parts of a schema by name, without PostgreSQL's own and without object ids.
 *
 * @param roles `all` of the server, or only those that are `reached`: owners, grantees, roles of policies, and the roles that these can become
 */
export function schemaParts(catalog: Catalog, roles: 'all' | 'reached'): ReadonlyMap<string, SchemaPart> {
  const parts = new Map<string, SchemaPart>()
  const add = (part: SchemaPart) => parts.set(part.name, part)
  const names = namesIn(catalog)
  for (const relation of catalog.relations.values()) for (const part of partsOf(relation, names)) add(part)
  for (const each of catalog.functions.values()) {
    const { label: object, owner, securityDefiner, definition, source, config, grants } = each
    const text = JSON.stringify([names.of(owner), securityDefiner, definition ?? source, [...config].sort()])
    add({ object, name: `function ${object}`, kind: 'code', text })
    add({ object, name: `privileges on function ${object}`, kind: 'code', text: names.grants(grants) })
  }
  for (const { name: object, owner, grants } of catalog.schemas.values()) {
    const text = JSON.stringify([names.of(owner), names.grants(grants)])
    add({ object, name: `schema ${object}`, kind: 'rows', text })
  }
  // Before the roles are read: those name further roles.
  const reached = reachedBy(names.asked, catalog)
  for (const { oid, ...role } of catalog.roles.values()) {
    if (roles === 'reached' && !reached.has(oid)) continue
    const member = catalog.memberships.filter((each) => each.member === oid)
    const of = member.map((each) => `${names.of(each.role)} ${each.admin} ${each.inherit} ${each.set}`).sort()
    add({ object: role.name, name: `role ${role.name}`, kind: 'role', text: JSON.stringify([role, of]) })
  }
  return parts
}

/** The roles themselves, and those that they are members of, directly or through others. */
function reachedBy(roles: ReadonlySet<Oid>, { memberships }: Catalog): ReadonlySet<Oid> {
  const reached = new Set(roles)
  // A Set is iterated in the order of insertion, with what is added meanwhile.
  for (const member of reached) for (const each of memberships) if (each.member === member) reached.add(each.role)
  return reached
}

interface Names {
  /** The roles of which the name was asked. */
  readonly asked: ReadonlySet<Oid>
  of(role: Oid): string
  grants(grants: readonly Grant[]): string
}

function namesIn({ roles }: Catalog): Names {
  const asked = new Set<Oid>()
  const of = (oid: Oid) => {
    asked.add(oid)
    return oid === 0 ? 'PUBLIC' : (roles.get(oid)?.name ?? 'an unknown role')
  }
  return {
    asked,
    of,
    grants: (grants) =>
      grants
        .map(
          ({ grantee, privilege, grantable }) =>
            `${privilege} to ${of(grantee)}${grantable ? ' with grant option' : ''}`,
        )
        .sort()
        .join(', '),
  }
}

function partsOf(relation: Relation, names: Names): readonly SchemaPart[] {
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
    ),
    part(`row-level security of ${object}`, 'rows', rowSecurity, forceRowSecurity),
    part(`privileges on ${object}`, 'rows', names.grants(relation.grants)),
    ...relation.columns.map((column) =>
      part(
        `column ${object}.${column.name}`,
        'rows',
        column.type,
        column.notNull,
        column.default,
        column.generated,
        names.grants(column.grants),
      ),
    ),
    ...relation.policies.map(({ name, permissive, command, roles, using, check }) =>
      part(`policy ${name} on ${object}`, 'rows', permissive, command, roles.map(names.of).sort(), using, check),
    ),
    ...relation.constraints.map(({ name, definition }) => part(`constraint ${name} on ${object}`, 'rows', definition)),
    ...relation.indexes.map(({ name, definition }) => part(`index ${name} on ${object}`, 'rows', definition)),
    ...relation.triggers.map(({ name, enabled, definition }) =>
      part(`trigger ${name} on ${object}`, 'code', enabled, definition),
    ),
    ...relation.rules.map((rule) => part(`rule ${rule.name} on ${object}`, 'code', rule.definition)),
  ]
}
