import { importLine } from '../code/imports.ts'
import type { OwnTokens } from '../detection/own-tokens.ts'
import type { Project } from '../detection/project.ts'
import { findTokenCookie, type TokenCookie } from '../detection/token-cookie.ts'
import type { TenantFacts } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'
import { isNestAsync } from '../wiring/nest.ts'
import { allowsOtherOrigins } from '../wiring/nest-module.ts'
import { APP_URL, ENTRY_URL, SEAL_SECRET } from './names.ts'
import { tokenOf } from './token-of.ts'
import { wallNest } from './wall-nest.ts'
import { wallSettings } from './wall-settings.ts'

/** Input of {@link wallFile}. */
interface WallFileInput {
  readonly files: ProjectFiles
  readonly project: Project
  readonly facts: TenantFacts
  readonly tokens: OwnTokens | undefined
  /** Names of the tables that the entry login may read. */
  readonly entryTables: readonly string[]
  /** Nest only: routes that need no token. */
  readonly publicRoutes: readonly string[]
}

/** The file that makes the wall: `src/partywall.ts`. The rest of the application imports the pool and the middleware from it. */
export function wallFile(input: WallFileInput): string {
  const { project, facts } = input
  const settings = wallSettings(input.files, project)
  const parts = [
    `// Keeps the tenants apart. partywall init wrote it; it is yours now.\n${[...settings.imports, ...importsOf(input)].join('\n')}`,
    settings.code,
    `/**
 * For code that runs before the tenant is known: sign-in, sign-up. Its login may read and insert rows of
 * ${input.entryTables.join(', ')} of all tenants, and do what you granted it under TO DECIDE.
 * It has no other rights.
 */
${exported(input, 'entryPool')}createEntryPool({ connectionString: setting('${ENTRY_URL}') })`,
    `/**
 * \`wall.pool\` is a pg.Pool whose statements belong to the tenant of the request. Without a tenant they are refused.
 *
 * Call \`await wall.ready()\` before the server listens: it throws if the database does not keep tenants apart, before a request finds out.
 * Call \`await wall.close()\` when the server ends.
 */
${exported(input, 'wall')}createPartywall({
  database: {
    url: setting('${APP_URL}'),
    searchPath: [${facts.searchPath.map((schema) => `'${schema}'`).join(', ')}],
    // Every user of a tenant may DELETE its rows, as before; ${facts.table} itself stays read-only. To allow it to some roles only: database: { url, roles: { tenant_admin: ['owner'] } }
    // Roles are compared letter by letter with those of the token: 'owner' is not 'OWNER'.
    roles: false,
    levelOf: () => 'tenant_admin',
  },
  seal: { secret: setting('${SEAL_SECRET}') },${guardOf(facts)}
${authOf(input)}
  tenants: {
    // Answers are kept for 60 seconds. ${facts.status === undefined ? 'After your code deletes a tenant' : 'After your code changes the status of a tenant, or deletes one'}, call wall.tenants.invalidate(id)
    // in each process: otherwise its requests may still be let in for up to 60 seconds (docs/tenants.md of partywall).
    async findByClaim(claim) {
      const { rows } = await entryPool.query(${lookup(facts)}, [claim])
      return rows[0]${facts.status === undefined ? '' : ' // a tenant whose status is not active is refused'}
    },
  },
})`,
    ...tokenPart(input),
    ...frameworkPart(input),
    ...exportsOf(input),
  ]
  return `${parts.join('\n\n')}\n`
}

/**
 * The option `guard`, with the names of the fields of answers that name the tenant. The guard checks these fields if an adapter gets
 * `guard: wall.guard`.
 */
function guardOf({ column }: TenantFacts): string {
  const camel = column.replace(/_(\w)/g, (_whole, letter: string) => letter.toUpperCase())
  if (camel === 'tenantId') return ''
  const fields = [...new Set([column, camel])].map((name) => `'${name}'`).join(', ')
  return `
  // For answers that name another tenant. The guard is off until your adapter gets \`guard: wall.guard\`: see docs/guards.md of partywall.
  guard: { fields: [${fields}] },`
}

function lookup({ table, key, status, tier }: TenantFacts): string {
  const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name}"`)
  const state = status === undefined ? `'active'` : `${quoted(status)}::text`
  const level = tier === undefined ? `'standard'` : `${quoted(tier)}::text`
  const text = `select ${quoted(key)}::text as id, ${state} as status, ${level} as tier from ${table} where ${quoted(key)}::text = $1`
  return JSON.stringify(text)
}

function authOf({ tokens, facts }: WallFileInput): string {
  if (tokens === undefined)
    return `  auth: {
    // TO DO: check the token as your application does, and return { tenant, userId, roles }; undefined refuses it.
    // \`tenant\` is a value of ${facts.table}.${facts.key}.
    async verify(token) {
      throw new Error(\`auth.verify in this file is not written yet: \${token.length} characters can't be checked\`)
    },
  },`
  const { secretVariable, tenantClaim, userClaim, roleClaim } = tokens
  return `  // The tokens that ${tokens.path} signs. Is somebody else your issuer? See docs/auth.md of partywall.
  auth: {
    verify: sharedSecretTokens({
      secret: setting('${secretVariable}'),
      tenant: '${tenantClaim}',
      user: '${userClaim}',${roleClaim === undefined ? '' : `\n      roles: '${roleClaim}',`}
    }),
  },`
}

const ASYNC_TYPES = ['type TypeOrmModuleAsyncOptions', 'type TypeOrmModuleOptions']

function importsOf({ files, project: { style, framework, orm }, tokens }: WallFileInput): readonly string[] {
  const nestTypeorm = framework === 'nest' && orm === 'typeorm'
  const isAsync = nestTypeorm && isNestAsync(files)
  const root = [
    'createPartywall',
    ...(framework === 'express' ? ['isPartywallError'] : []),
    ...(nestTypeorm ? ['runWithoutTenant'] : []),
  ]
  const isTyped = style.language === 'ts'
  return [
    ...(framework === 'nest' && isTyped ? ["import type { IncomingMessage } from 'node:http'"] : []),
    ...(isAsync
      ? [importLine(style, ['TypeOrmModule', ...(isTyped ? ASYNC_TYPES : [])], '@nestjs/typeorm')]
      : nestTypeorm && isTyped
        ? ["import type { TypeOrmModuleOptions } from '@nestjs/typeorm'"]
        : []),
    ...(framework === 'express' && isTyped ? ["import type { ErrorRequestHandler } from 'express'"] : []),
    importLine(style, root, 'partywall'),
    ...(tokens === undefined ? [] : [importLine(style, ['sharedSecretTokens'], 'partywall/auth')]),
    importLine(style, ['createEntryPool'], 'partywall/database'),
    ...(framework === 'express'
      ? [importLine(style, ['tenantContextMiddleware', 'tenantErrorHandler'], 'partywall/express')]
      : []),
    ...(nestTypeorm
      ? [importLine(style, ['DataSource', ...(isTyped ? ['type DataSourceOptions'] : [])], 'typeorm')]
      : []),
  ]
}

function exported({ project: { style } }: WallFileInput, name: string): string {
  return style.modules === 'commonjs' ? `const ${name} = ` : `export const ${name} = `
}

/** Frameworks whose requests have the headers as an object. */
const WITH_HEADERS: readonly unknown[] = ['express', 'nest', 'fastify', 'koa']

/** The cookie that holds the token, if the application reads the token from a cookie. */
function cookieOf({ files, project: { framework } }: WallFileInput): TokenCookie | undefined {
  return WITH_HEADERS.includes(framework) ? findTokenCookie(files) : undefined
}

function tokenPart(input: WallFileInput): readonly string[] {
  const cookie = cookieOf(input)
  if (cookie === undefined) return []
  return [tokenOf(cookie, input.project.style.language === 'ts', (name) => exported(input, name))]
}

function frameworkPart(input: WallFileInput): readonly string[] {
  const { framework, orm, style } = input.project
  const typed = style.language === 'ts'
  if (framework === 'express')
    return [
      `/**
 * Opens the context of the request's tenant. Mount it before the routes of tenants, and after sign-in and health checks.
 * A health check that asks the database uses entryPool: wall.pool refuses its statement.
 */
${exported(input, 'tenantContext')}tenantContextMiddleware(wall${cookieOf(input) === undefined ? '' : ', { token: tokenOf }'})`,
      `const answerRefusal = tenantErrorHandler()
/** Answers partywall's refusals. All other errors go to your own error handler. */
${exported(input, typed ? 'tenantErrors: ErrorRequestHandler' : 'tenantErrors')}(error, request, response, next) =>
  isPartywallError(error) ? answerRefusal(error, request, response, next) : next(error)`,
    ]
  if (framework !== 'nest') return []
  return wallNest({
    typed,
    typeorm: orm === 'typeorm',
    async: isNestAsync(input.files),
    publicRoutes: input.publicRoutes,
    cors: allowsOtherOrigins(input.files),
    exported: (name) => exported(input, name),
  })
}

function exportsOf(input: WallFileInput): readonly string[] {
  const { style, framework, orm } = input.project
  const typeorm = isNestAsync(input.files) ? ['typeormModules'] : ['tenantTypeorm', 'entryTypeorm']
  if (style.modules !== 'commonjs') return []
  const names = [
    'entryPool',
    'wall',
    ...(cookieOf(input) === undefined ? [] : ['tokenOf']),
    ...(framework === 'express' ? ['tenantContext', 'tenantErrors'] : []),
    ...(framework === 'nest' ? ['isPublic', ...(orm === 'typeorm' ? typeorm : [])] : []),
  ]
  return [`module.exports = { ${names.join(', ')} }`]
}
