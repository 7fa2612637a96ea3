import pg from 'pg'
import { parseOptions } from '../../config/parse-options.ts'
import type { TenantFrame } from '../../context/frame.ts'
import { ConfigurationError } from '../../errors.ts'
import { createDefaultLogger } from '../../logger/logger.ts'
import type { TenantLevel } from '../../seal/seal.ts'
import { SealSource } from '../../seal/seal-source.ts'
import { TicketBook } from '../../seal/ticket-book.ts'
import { refuseOwnSettings, timeOutsOf } from '../connection/pg-options.ts'
import { type TenantPoolOptions, type TenantRoles, tenantPoolSchema } from '../settings/options.ts'
import type { WallSettings } from '../settings/wall-settings.ts'

const NO_CLOCK = { tick: 1 }

/** Checks the wall's options, reports all problems at once, and returns the settings that every connection needs. */
export function makeSettings(options: TenantPoolOptions, clock: WallSettings['clock'] = NO_CLOCK): WallSettings {
  const checked = parseOptions(tenantPoolSchema, { ...options, ...timeOutsOf(options) }, 'createTenantPool(options)')
  refuseOwnSettings(options, checked.settingName)
  const { seal } = options
  if (seal !== false && checked.multiStatements) {
    throw new ConfigurationError(
      'createTenantPool(options): multiStatements lets injected SQL stack statements and is refused together with a seal. Give job queues a pool of their own.',
    )
  }
  if (checked.multiStatements && checked.pooler === 'transaction') {
    throw new ConfigurationError(
      'createTenantPool(options): multiStatements can’t be used behind a transaction pooler.',
    )
  }
  const source = seal === false ? undefined : new SealSource(seal.secret)
  return {
    serves: 'tenant',
    settingName: checked.settingName,
    searchPath: pathOf(checked.searchPath),
    pathOf: (schema) => pathOf([schema, ...checked.lookupSchemas]),
    lookupSchemas: checked.lookupSchemas,
    commonSchemas: new Set([...checked.searchPath, ...checked.lookupSchemas]),
    statementTimeoutMs: checked.statementTimeoutMs,
    lockTimeoutMs: checked.lockTimeoutMs,
    idleInTransactionTimeoutMs: checked.idleInTransactionTimeoutMs,
    pooler: checked.pooler === 'transaction',
    shared: false,
    setsRole: options.roles !== undefined || options.levelOf !== undefined,
    levelOf: options.levelOf ?? levelByRoles(options.roles),
    seal: source,
    tickets: source === undefined ? undefined : new TicketBook(source),
    allowStatements: new Set(checked.allowStatements.map((command) => command.toUpperCase())),
    multiStatements: checked.multiStatements,
    readOnlyOnSafeMethods: checked.readOnlyOnSafeMethods,
    answerTimeoutMs:
      checked.answerTimeoutMs ?? (checked.statementTimeoutMs === 0 ? 0 : checked.statementTimeoutMs + 5_000),
    maxResultBytes: checked.maxResultBytes,
    prepareThreshold: checked.prepareThreshold,
    clock,
    protection: options.protection,
    events: options.events,
    logger: options.logger ?? createDefaultLogger(),
  }
}

/** `pg_temp` is last: PostgreSQL would otherwise look there first, and a temporary table would hide a table of the tenant. */
function pathOf(schemas: readonly string[]): string {
  return [...schemas, 'pg_temp'].map((name) => pg.escapeIdentifier(name)).join(', ')
}

/** Least privilege: a role that is not named runs as `tenant_user`. */
function levelByRoles(roles: TenantRoles | undefined): (context: TenantFrame) => TenantLevel {
  const admins = new Set(roles?.tenant_admin ?? [])
  return (context) => (context.roles.some((role) => admins.has(role)) ? 'tenant_admin' : 'tenant_user')
}
