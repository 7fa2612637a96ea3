import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change, Decision } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import { accountsWithoutPasswords } from './entry-access.ts'

/** Tables of keys, invitations and sessions, by their names. */
const LOOKUP_TABLE =
  /(?:^|_)(?:api_?keys?|access_?keys?|invit(?:e|es|ation|ations)|(?:refresh|reset|access|verification|password_reset)_?tokens?|password_?resets?|sessions?|otps?|magic_?links?|(?:email_)?verifications?|domains?|sso_?\w*|oauth_?\w*)$/i
/** Columns with a secret by which code finds a row before the tenant is known, such as a key or an invitation code. */
const SECRET_COLUMN =
  /^(?:token|token_?hash|(?:refresh|reset|invite|invitation|verification|access|magic)_?token|key_?hash|hashed_?key|api_?key|(?:invite|invitation)_?code|otp)$/i
/** Columns that are changed by sign-in, by a password reset, or when a user confirms an address. */
const ACCOUNT_CHANGE =
  /last_?(?:log_?in|sign_?in|seen|active)|log_?in_?count|failed_?(?:log_?in|attempt)|lock(?:ed|out)_?|passw(?:or)?d|pass_?hash|reset_?\w*token|reset_?\w*expir|verif(?:y|ied|ication)|confirm(?:ed|ation)|refresh_?token|email_?token|mfa|two_?factor|otp/i

/** Columns that ORMs write with each UPDATE. */
export const UPDATED = /^(?:updated|modified|changed)_?(?:at|on|time)$/i

const READ = 'partywall_entry_read'
const UPDATE = 'partywall_entry_update'

/**
 * Proposes further rights of the entry login (docs/glossary.md). Sign-in often needs SELECT on tables of keys and invitations, and UPDATE
 * of columns such as `last_login_at`. Both rights reach the rows of all tenants, so a person decides.
 *
 * @param given tables that the entry login can already read
 */
export function entryDecisions(
  catalog: Catalog,
  given: readonly Relation[],
  tenancy: Tenancy,
  login: string,
): { readonly decisions: readonly Decision[]; readonly changes: readonly Change[] } {
  const role = quoteIdentifier(login)
  // A shared table, such as plans, to which a table in `given` refers. A sign-up reads it to choose a plan.
  const isShared = (table: Relation) =>
    !tenancy.tables.has(table.oid) &&
    given.some(({ constraints }) => constraints.some(({ references }) => references?.relation === table.oid))
  const hasPolicies = (table: Relation) => tenancy.tables.has(table.oid)
  const users = accountsWithoutPasswords(catalog, tenancy)
  const more = [...catalog.relations.values()]
    .filter(({ kind, schema, extension }) => kind === 'table' && extension === undefined && tenancy.schemas.has(schema))
    .filter((table) => !given.includes(table) && (isLookup(table) || isShared(table) || users.has(table)))
    .sort((a, b) => a.label.localeCompare(b.label))
  const accounts = given.flatMap((table) => {
    const changed = table.columns.filter((column) => isAccountColumn(column))
    // ORMs also write the column with the time of the last change.
    const columns = [...changed, ...table.columns.filter(({ name }) => changed.length > 0 && UPDATED.test(name))]
    return columns.length === 0 || table === tenancy.root?.relation ? [] : [{ table, columns }]
  })
  const decisions = [
    ...more.map((table) => readDecision(table, role, login, hasPolicies(table))),
    ...accounts.map(({ table, columns }) => updateDecision(table, columns, role, login, hasPolicies(table))),
  ]
  return {
    decisions,
    changes: [...more, ...accounts.map(({ table }) => table)].map((table) => revoke(table, role, given)),
  }
}

function isLookup({ name, columns }: Relation): boolean {
  const snake = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
  return LOOKUP_TABLE.test(snake) || columns.some((column) => SECRET_COLUMN.test(column.name))
}

function isAccountColumn({ name, identity, generated }: Column): boolean {
  return identity === undefined && generated === undefined && ACCOUNT_CHANGE.test(name)
}

function readDecision(table: Relation, role: string, login: string, hasPolicies: boolean): Decision {
  const name = qualifiedName(table)
  return {
    object: `${table.label} (sign-in)`,
    reason: `does code that runs before the tenant is known (sign-up, the check of a key or an invitation) read this table? ${login} has no right to the table. The following SQL lets ${login} read all its rows:`,
    sql: [
      // A person may run the file a second time after taking the decision.
      ...(hasPolicies
        ? [
            `DROP POLICY IF EXISTS ${READ} ON ${name};`,
            `CREATE POLICY ${READ} ON ${name} FOR SELECT TO ${role} USING (true);`,
          ]
        : []),
      `GRANT SELECT ON ${name} TO ${role};`,
    ].join('\n'),
  }
}

function updateDecision(
  table: Relation,
  columns: readonly Column[],
  role: string,
  login: string,
  hasPolicies: boolean,
): Decision {
  const name = qualifiedName(table)
  const list = columns.map((column) => quoteIdentifier(column.name)).join(', ')
  return {
    object: `${table.label} (sign-in)`,
    reason: `does sign-in, a password reset or a confirmation change these columns? ${login} may not UPDATE. The following SQL lets ${login} change the columns in the rows of all tenants. Name only the columns that ${login} must change:`,
    sql: [
      ...(hasPolicies
        ? [
            `DROP POLICY IF EXISTS ${UPDATE} ON ${name};`,
            `CREATE POLICY ${UPDATE} ON ${name} FOR UPDATE TO ${role} USING (true) WITH CHECK (true);`,
          ]
        : []),
      `GRANT UPDATE (${list}) ON ${name} TO ${role};`,
    ].join('\n'),
  }
}

/** The down migration removes policies and grants that were comments in the up migration, because a person may have run them. */
function revoke(table: Relation, role: string, given: readonly Relation[]): Change {
  const name = qualifiedName(table)
  return {
    phase: 'protect',
    object: `${table.label} (entry)`,
    up: [],
    down: [
      ...(given.includes(table) ? [] : [`DROP POLICY IF EXISTS ${READ} ON ${name};`]),
      `DROP POLICY IF EXISTS ${UPDATE} ON ${name};`,
      `REVOKE ALL ON ${name} FROM ${role};`,
    ],
  }
}
