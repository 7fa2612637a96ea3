// Every setting that a tenant's SQL may set, read from the server itself, with a value that differs from the session's own.
import type { TestDatabase } from './database.ts'

/** A setting, and a value that a tenant gives it. */
export interface TenantSetting {
  readonly name: string
  readonly value: string
}

interface SettingRow {
  readonly name: string
  readonly setting: string
  readonly vartype: string
  readonly min_val: string | null
  readonly max_val: string | null
  readonly enumvals: readonly string[] | null
}

/** Values of texts that the server takes; any other text setting gets a word. */
const TEXTS: Readonly<Record<string, string>> = {
  TimeZone: 'Asia/Tokyo',
  timezone_abbreviations: 'Australia',
  DateStyle: 'German',
  client_encoding: 'LATIN1',
  lc_monetary: 'POSIX',
  lc_numeric: 'POSIX',
  lc_time: 'POSIX',
  lc_messages: 'POSIX',
  default_text_search_config: 'pg_catalog.german',
  search_path: 'nowhere',
  temp_tablespaces: 'pg_default',
  default_tablespace: 'pg_default',
  createrole_self_grant: 'set',
  debug_io_direct: 'data',
}

/** Of `pg_settings`, what a role without rights may set, and settings of the application's own. */
export async function tenantSettings(database: TestDatabase): Promise<readonly TenantSetting[]> {
  const { rows } = await database.admin(
    "select name, reset_val as setting, vartype, min_val, max_val, enumvals from pg_settings where context = 'user' order by name",
  )
  const known = rows.map((row: SettingRow) => ({ name: row.name, value: otherValue(row) }))
  // PostgreSQL lists neither the role nor settings of an application's own.
  return [
    ...known,
    { name: 'role', value: 'tenant_admin' },
    { name: 'app.region', value: 'of a tenant' },
    { name: 'app.current_tenant_id', value: 'x' },
  ]
}

function otherValue({ name, setting, vartype, min_val: least, max_val: most, enumvals }: SettingRow): string {
  switch (vartype) {
    case 'bool':
      return setting === 'on' ? 'off' : 'on'
    case 'enum':
      return enumvals?.find((value) => value !== setting) ?? setting
    case 'string':
      return TEXTS[name] ?? 'partywall'
    default:
      return nearby(Number(setting), Number(least), Number(most))
  }
}

/** Never the least: a time-out of 1 ms would end the test's own statements. */
function nearby(setting: number, least: number, most: number): string {
  const wanted = setting + 7_777 <= most ? setting + 7_777 : setting - 1
  return String(Math.max(least, Math.min(most, wanted)))
}
