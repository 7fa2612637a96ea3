import { USER_SCHEMA } from './left-out-schemas.ts'
import type { DatabaseFunction, FunctionArgument, Oid, Queryable } from './model.ts'
import { qualifiedName, withoutExtensionSchema } from './names.ts'
import type { Dependencies } from './read-dependencies.ts'
import { type GrantRow, groupGrants, splitEntry } from './read-roles.ts'

const KINDS = { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' } as const
const VOLATILITIES = { i: 'immutable', s: 'stable', v: 'volatile' } as const
const MODES = { i: 'in', o: 'out', b: 'inout', v: 'variadic', t: 'table' } as const

interface FunctionRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly schema: string
  readonly schema_oid: Oid
  readonly name: string
  readonly kind: keyof typeof KINDS
  readonly owner: Oid
  readonly language: string
  readonly trusted: boolean
  readonly definer: boolean
  readonly leakproof: boolean
  readonly strict: boolean
  readonly volatility: keyof typeof VOLATILITIES
  readonly cost: number
  readonly config: readonly string[] | null
  readonly source: string
  readonly atomic: string | null
  readonly definition: string | null
  readonly identity_arguments: string
  readonly argument_oids: readonly number[]
  readonly argument_types: readonly string[]
  readonly argument_bases: readonly string[]
  readonly argument_modes: readonly (keyof typeof MODES)[] | null
  readonly argument_names: readonly string[] | null
  readonly defaulted: number
  readonly return_type: string
  readonly return_oid: Oid
  readonly returns_set: boolean
}

export async function readFunctions(
  db: Queryable,
  dependencies: Dependencies,
): Promise<ReadonlyMap<Oid, DatabaseFunction>> {
  const { rows } = await db.query<FunctionRow>(`
    select p.oid::int8::float8 as oid, n.nspname::text as schema, n.oid::int8::float8 as schema_oid, p.proname::text as name, p.prokind::text as kind,
           p.proowner::int8::float8 as owner, l.lanname::text as language, l.lanpltrusted as trusted, p.prosecdef as definer,
           p.proleakproof as leakproof, p.proisstrict as strict, p.provolatile::text as volatility, p.procost::float8 as cost,
           p.proconfig::text[] as config, p.prosrc as source, pg_catalog.pg_get_function_sqlbody(p.oid) as atomic,
           case when p.prokind <> 'a' and ext.objid is null then pg_catalog.pg_get_functiondef(p.oid) end as definition,
           pg_catalog.pg_get_function_identity_arguments(p.oid) as identity_arguments,
           a.oids::int8[]::float8[] as argument_oids, a.types as argument_types, a.bases as argument_bases,
           p.proargmodes::text[] as argument_modes, p.proargnames::text[] as argument_names, p.pronargdefaults::int as defaulted,
           pg_catalog.format_type(p.prorettype, null) as return_type, p.prorettype::int8::float8 as return_oid, p.proretset as returns_set
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    left join pg_catalog.pg_depend ext on ext.objid = p.oid and ext.classid = 'pg_catalog.pg_proc'::regclass and ext.deptype = 'e'
    cross join lateral (
      select coalesce(array_agg(u.type order by u.at), '{}') as oids,
             coalesce(array_agg(pg_catalog.format_type(u.type, null) order by u.at), '{}') as types,
             coalesce(array_agg(pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) order by u.at), '{}') as bases
      from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as u(type, at)
      join pg_catalog.pg_type t on t.oid = u.type) a
    where ${USER_SCHEMA} order by n.nspname, p.proname, p.oid`)
  const grants = groupGrants(
    (
      await db.query<GrantRow>(`
    select p.oid::int8::float8 as object, 0 as part, a.grantee::int8::float8 as grantee, a.privilege_type as privilege, a.is_grantable as grantable
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace,
         pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
    where ${USER_SCHEMA} order by 1, 3`)
    ).rows,
  )
  return new Map(
    rows.map((row) => {
      const inputs = readArguments(row)
      const types = inputs.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
      const list = types.map((argument) => argument.type).join(', ')
      return [
        row.oid,
        Object.freeze({
          oid: row.oid,
          schema: row.schema,
          schemaOid: row.schema_oid,
          name: row.name,
          label: `${row.schema}.${row.name}(${list})`,
          signature: `${qualifiedName(row)}(${row.identity_arguments})`,
          kind: KINDS[row.kind],
          owner: row.owner,
          language: row.language,
          languageTrusted: row.trusted,
          securityDefiner: row.definer,
          leakproof: row.leakproof,
          strict: row.strict,
          volatility: VOLATILITIES[row.volatility],
          cost: row.cost,
          config: new Map((row.config ?? []).map(splitEntry).map(({ name, value }) => [name, value])),
          source: row.source,
          atomicBody: row.atomic ?? undefined,
          definition: row.definition ?? undefined,
          arguments: inputs,
          defaultedArguments: row.defaulted,
          returnType: row.return_type,
          returnTypeOid: row.return_oid,
          returnsSet: row.returns_set,
          returnsTrigger: row.return_type === 'trigger' || row.return_type === 'event_trigger',
          grants: grants(row.oid),
          extension: dependencies.extensionOf('pg_proc', row.oid),
          readsRelations: dependencies.of('pg_proc', row.oid, 'pg_class'),
          callsFunctions: dependencies.of('pg_proc', row.oid, 'pg_proc'),
        }),
      ]
    }),
  )
}

function readArguments(row: FunctionRow): readonly FunctionArgument[] {
  return row.argument_types.map((type, at) => ({
    name: row.argument_names?.[at] ?? '',
    type,
    typeOid: row.argument_oids[at] ?? 0,
    baseType: withoutExtensionSchema(row.argument_bases[at] ?? type),
    mode: MODES[row.argument_modes?.[at] ?? 'i'],
  }))
}
