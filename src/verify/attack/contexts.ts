import { quoteLiteral } from '../../catalog/names.ts'
import { SealMaker } from '../../database/seal.ts'
import type { ActingRole, ContextSource } from '../facts.ts'

/** A state of the session's settings that an attack runs in. `sql` sets it, transaction-locally. */
export interface AttackContext {
  readonly name: string
  /** Statements that set it up, run after SET ROLE; '' for none. */
  readonly sql: (role: ActingRole) => string
  /** Whose rows may be seen: only this tenant's, or nobody's. */
  readonly tenant: 'a' | 'b' | undefined
}

/** Makes the seal of a sealed context. */
export interface ContextSealer {
  readonly secret: string
  readonly database: string
  readonly backendPid: number
}

export interface ContextValues {
  /** What the setting holds for each tenant: its id, or the key of its user. */
  readonly a: string
  readonly b: string
  /** The tenants' own ids, for the seal. */
  readonly tenantA: string
  readonly tenantB: string
}

export interface Contexts {
  readonly a: AttackContext
  readonly b: AttackContext
  /** Neither tenant: '', malformed, unknown. All but `a` and `b` must show nothing. */
  readonly strangers: readonly AttackContext[]
  /** The setting was never set on this connection. */
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

/** All contexts of one run. `extraSql` is what the user's own --context-sql adds, `$TENANT` replaced by the tenant's id. */
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
  const own = (name: string, value: string, tenantId: string, tenant: 'a' | 'b'): AttackContext => ({
    name,
    tenant,
    sql: (role) => `${setSql(source.setting, settingText(source, value))}${seal(tenantId, role)}${extra(tenantId)}`,
  })
  return {
    a: own('tenant A', values.a, values.tenantA, 'a'),
    b: own('tenant B', values.b, values.tenantB, 'b'),
    strangers: GARBAGE.map(([label, value]) => ({
      name: `setting ${label}`,
      tenant: undefined,
      sql: () => setSql(source.setting, value === '' ? '' : settingText(source, value)),
    })),
    unset: { name: 'setting never set', tenant: undefined, sql: () => '' },
  }
}

/** One `set_config`, transaction-local, as a statement. */
export function setSql(name: string, value: string): string {
  return `select pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true);`
}

/** The text of the setting: the value itself, or JSON that holds it. */
export function settingText(source: Pick<ContextSource, 'path'> & { readonly list?: true }, value: string): string {
  if (source.path.length === 0) return value
  let json: unknown = source.list === true ? [value] : value
  for (const key of [...source.path].reverse()) json = { [key]: json }
  return JSON.stringify(json)
}
