import { quoteLiteral } from '../../catalog/names.ts'
import { SealMaker } from '../../seal/seal.ts'
import type { SettingUse } from '../../tenancy/discovery/settings.ts'
import type { ActingRole, ContextSource } from '../../tenancy/facts.ts'

/** One setting (or one claim inside a JSON setting) of a session, with its value. */
export interface Said {
  readonly use: SettingUse
  readonly value: string
}

/** A state of the session's settings that an attack runs in. `sql` sets it, transaction-locally. */
export interface AttackContext {
  readonly name: string
  /** Statements that set this context, run after SET ROLE. '' if nothing is set. */
  readonly sql: (role: ActingRole) => string
  /** The tenant whose rows may be seen. Undefined if no rows may be seen. */
  readonly tenant: 'a' | 'b' | undefined
  /** The same context with further settings. A later value replaces an earlier one. */
  readonly saying: (said: readonly Said[]) => AttackContext
}

/** The values from which the seal of a sealed context is made. */
export interface ContextSealer {
  readonly secret: string
  readonly database: string
  readonly backendPid: number
}

interface ContextValues {
  /** The setting's value for each tenant: the tenant's id, or the key of the tenant's user. */
  readonly a: string
  readonly b: string
  /** The tenants' own ids, for the seal. */
  readonly tenantA: string
  readonly tenantB: string
  /** Further settings that policies compare with rows, such as the user, if the main setting holds the tenant. */
  readonly besideA: readonly Said[]
  readonly besideB: readonly Said[]
}

export interface Contexts {
  readonly a: AttackContext
  readonly b: AttackContext
  /** Contexts of neither tenant: an empty, a malformed and an unknown value. They must show no rows. */
  readonly strangers: readonly AttackContext[]
  /** A context in which the setting was never set on this connection. It must show no rows. */
  readonly unset: AttackContext
}

const GARBAGE: readonly (readonly [string, string])[] = [
  ["''", ''],
  ["'x'", 'x'],
  ["'%'", '%'],
  ["'null'", 'null'],
  ["'0'", '0'],
  ['all-zero uuid', '00000000-0000-0000-0000-000000000000'],
]

/** All contexts of one run. `extraSql` is the SQL of --context-sql; `$TENANT` in this SQL is replaced by the tenant's id. */
export function makeContexts(
  source: ContextSource,
  values: ContextValues,
  sealer: ContextSealer | undefined,
  extraSql: string | undefined,
): Contexts {
  const maker = sealer === undefined ? undefined : new SealMaker(sealer.secret)
  const extra = (tenant: string) =>
    extraSql === undefined ? '' : `${extraSql.replaceAll('$TENANT', quoteLiteral(tenant))};`
  const seal = (tenant: string, role: ActingRole) => {
    if (maker === undefined || sealer === undefined) return ''
    const text = maker.seal(
      {
        tenantId: tenant,
        userId: '',
        actor: '',
        level: role.role.name === 'tenant_admin' ? 'tenant_admin' : 'tenant_user',
        readOnly: false,
      },
      { database: sealer.database, backendPid: sealer.backendPid },
      Math.floor(Date.now() / 1000) + 3600,
    )
    return setSql('app.tenant_seal', text)
  }
  const use: SettingUse = {
    setting: source.setting,
    path: source.path,
    ...(source.kind === 'tenant' && source.list === true ? { list: true } : {}),
  }
  const own = (name: string, tenantId: string, tenant: 'a' | 'b', said: readonly Said[]) =>
    context(name, tenant, said, (role) => `${seal(tenantId, role)}${extra(tenantId)}`)
  return {
    a: own('tenant A', values.tenantA, 'a', [...values.besideA, { use, value: values.a }]),
    b: own('tenant B', values.tenantB, 'b', [...values.besideB, { use, value: values.b }]),
    strangers: GARBAGE.map(([label, value]) => context(`setting ${label}`, undefined, [{ use, value }], () => '')),
    unset: context('setting never set', undefined, [], () => ''),
  }
}

function context(
  name: string,
  tenant: AttackContext['tenant'],
  said: readonly Said[],
  more: (role: ActingRole) => string,
): AttackContext {
  return {
    name,
    tenant,
    sql: (role) => `${sayingSql(said, role)}${more(role)}`,
    saying: (others) => context(name, tenant, [...said, ...others], more),
  }
}

/** PostgREST's setting for the claims of a request. It contains the token's claims and always the role. */
const CLAIMS = 'request.jwt.claims'

/** SQL that sets all of the settings. A later value replaces an earlier one. Claims of one JSON setting go into one document. */
function sayingSql(said: readonly Said[], role: ActingRole): string {
  const plain = new Map<string, string>()
  const documents = new Map<string, Record<string, unknown>>()
  for (const { use, value } of said) {
    if (use.path.length === 0 || value === '') plain.set(use.setting, value)
    if (use.path.length === 0) continue
    if (value !== '') plain.delete(use.setting)
    const document = documents.get(use.setting) ?? (use.setting === CLAIMS ? { role: role.role.name } : {})
    documents.set(use.setting, document)
    put(document, use.path, use.list === true ? [value] : value)
  }
  const settings = [...documents].map(([setting, document]): readonly [string, string] => [
    setting,
    plain.get(setting) ?? JSON.stringify(document),
  ])
  return [...[...plain].filter(([setting]) => !documents.has(setting)), ...settings]
    .map(([setting, text]) => setSql(setting, text))
    .join('')
}

function put(document: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    document[first] = value
    return
  }
  const inner: unknown = document[first]
  const next: Record<string, unknown> = { ...(typeof inner === 'object' && inner !== null ? inner : {}) }
  document[first] = next
  put(next, rest, value)
}

/** One `set_config`, transaction-local, as a statement. */
export function setSql(name: string, value: string): string {
  return `select pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true);`
}

/** The text of a setting that holds a value: the value itself, or JSON with the value at the setting's path. */
export function settingText(source: Pick<ContextSource, 'path'> & { readonly list?: true }, value: string): string {
  if (source.path.length === 0) return value
  let json: unknown = source.list === true ? [value] : value
  for (const key of [...source.path].reverse()) json = { [key]: json }
  return JSON.stringify(json)
}
