import type { Catalog, DefaultPrivilege, Publication } from './catalog.ts'
import type { Grant, Oid } from './model.ts'
import type { PartNames } from './part-names.ts'

/** A part of a database other than schemas, relations, functions and roles. */
export interface DatabasePart {
  readonly object: string
  readonly name: string
  readonly text: string
}

/** The superuser that initdb makes. Its name differs from server to server, and grants to it decide nothing. */
const BOOTSTRAP: Oid = 10

const part = (object: string, name: string, ...values: readonly unknown[]): DatabasePart => ({
  object,
  name,
  text: JSON.stringify(values),
})

/**
 * The parts that this database contains and that `pg_dump` copies: types, default privileges, publications, foreign servers, languages,
 * event triggers, grants on objects of PostgreSQL, and objects that change the meaning of a comparison.
 */
export function databaseParts(catalog: Catalog, names: PartNames): readonly DatabasePart[] {
  const ownGrants = (grants: readonly Grant[]) => names.grants(grants.filter(({ grantee }) => grantee !== BOOTSTRAP))
  const functionName = (oid: Oid) => catalog.functions.get(oid)?.label ?? 'a function of PostgreSQL or of an extension'
  return [
    ...[...catalog.types.values()].map(({ oid: _oid, schema, name, owner, ...type }) =>
      part(`${schema}.${name}`, `type ${schema}.${name}`, names.of(owner), type),
    ),
    ...catalog.defaultPrivileges.map((entry) => defaultPart(entry, catalog, names)),
    ...catalog.publications.map((publication) => publicationPart(publication, catalog)),
    ...catalog.foreignServers.map(({ name, wrapper, owner, options, grants, mappedRoles }) =>
      part(
        `server ${name}`,
        `foreign server ${name}`,
        [wrapper, names.of(owner), [...options].sort(), names.grants(grants)],
        mappedRoles.map(names.of).sort(),
      ),
    ),
    ...catalog.languages.map(({ name, trusted, grants }) =>
      part(`language ${name}`, `language ${name}`, trusted, ownGrants(grants)),
    ),
    ...catalog.eventTriggers.map(({ name, event, owner, enabled, function: oid }) =>
      part(`event trigger ${name}`, `event trigger ${name}`, event, names.of(owner), enabled, functionName(oid)),
    ),
    ...catalog.grantedBuiltins.map(({ label, grants }) =>
      part('pg_catalog', `privileges on builtin ${label}`, ownGrants(grants)),
    ),
    ...catalog.systemRelationGrants.map(({ name, grants }) =>
      part('pg_catalog', `privileges on system relation ${name}`, ownGrants(grants)),
    ),
    ...catalog.extensions.map(({ name, schema }) => part(`extension ${name}`, `extension ${name}`, schema)),
    part('pg_catalog', 'functions marked leakproof', catalog.markedBuiltins.map(({ label }) => label).sort()),
    part('pg_catalog', 'statistics views without their fix', [...catalog.unfixedStatisticsViews].sort()),
    part('pg_catalog', 'nondeterministic collations', [...catalog.looseCollations].sort()),
    ...catalog.otherDefinitions.map(({ object, name, text, owner, grants }) =>
      part(object, name, text, owner === 0 ? '' : names.of(owner), ownGrants(grants)),
    ),
  ]
}

function defaultPart({ role, schema, objectType, grants }: DefaultPrivilege, catalog: Catalog, names: PartNames) {
  const place = schema === 0 ? 'all schemas' : (catalog.schemas.get(schema)?.name ?? 'another schema')
  return part(place, `default privileges of ${names.of(role)} on ${objectType} in ${place}`, names.grants(grants))
}

function publicationPart({ name, allTables, tables, schemas }: Publication, { relations, schemas: known }: Catalog) {
  const sent = tables.map(({ relation, filter }) => [relations.get(relation)?.label ?? 'another relation', filter])
  const whole = schemas.map((oid) => known.get(oid)?.name ?? 'another schema')
  const text = [allTables, sent.map((each) => JSON.stringify(each)).sort(), whole.sort()]
  return part(`publication ${name}`, `publication ${name}`, text)
}

/**
 * The parts that are stored outside of the database and that concern the given roles: the owner of the database, the privileges on it,
 * stored settings, and privileges on parameters. Only `pg_dump --create` and `pg_dumpall` copy them.
 */
export function surroundingParts(
  catalog: Catalog,
  names: PartNames,
  reached: ReadonlySet<Oid>,
): readonly DatabasePart[] {
  const { database, storedSettings, parameterGrants } = catalog
  const concerns = (role: Oid) => role === 0 || reached.has(role)
  // A superuser gets no further rights by owning the database, and each copy may have another owner.
  const counts = reached.has(database.owner) && catalog.roles.get(database.owner)?.superuser !== true
  const owner = counts ? names.of(database.owner) : 'a superuser, or a role that its objects do not name'
  return [
    part('database', 'database', owner, privilegesOnDatabase(catalog, names)),
    ...storedSettings
      .filter(({ role }) => concerns(role))
      .map(({ role, database: oid, name, value }) => {
        const object = role === 0 ? 'database' : names.of(role)
        const place = oid === 0 ? 'all databases' : 'this database'
        return part(object, `setting ${name} of ${role === 0 ? 'all roles' : object} in ${place}`, shown(name, value))
      }),
    ...parameterGrants.flatMap(({ parameter, grants }) => {
      // When a parameter is granted to another role, PostgreSQL also stores the owner's own grants: leave those out.
      const own = grants.filter(({ grantee }) => concerns(grantee) && grantee !== BOOTSTRAP)
      return own.length === 0
        ? []
        : [part(`parameter ${parameter}`, `privileges on parameter ${parameter}`, names.grants(own))]
    }),
  ]
}

/** Returns the privileges on the database, without those of the owner, because the owner can always grant them to itself. */
export function privilegesOnDatabase({ database: { owner, grants } }: Catalog, names: PartNames): string {
  return names.grants(grants.filter(({ grantee }) => grantee !== owner))
}

/**
 * Hides the value of a setting whose name suggests a secret. Applications store keys as settings of a database, and with a digest over a
 * short key a reader of the report could guess the key.
 */
function shown(name: string, value: string): string {
  return /secret|passw|credential|private|api_?key|signing|encrypt|\bkey\b|_key$/i.test(name) ? 'stored' : value
}
