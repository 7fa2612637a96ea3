import { importLine } from '../code/imports.ts'
import type { OwnTokens } from '../detection/own-tokens.ts'
import type { Project } from '../detection/project.ts'
import type { TenantFacts } from '../plan/init-plan.ts'

/** What the file of the wall depends on. */
interface WallFileInput {
  readonly project: Project
  readonly facts: TenantFacts
  readonly tokens: OwnTokens | undefined
  /** Names of the tables that the entry login may read. */
  readonly entryTables: readonly string[]
  /** Nest only: paths that need no token. */
  readonly publicPaths: readonly string[]
}

/** Environment variables that the written code reads. */
export const APP_URL = 'PARTYWALL_DATABASE_URL'
export const ENTRY_URL = 'PARTYWALL_ENTRY_URL'
export const SEAL_SECRET = 'PARTYWALL_SEAL_SECRET'

/** The file that makes the wall: `src/partywall.ts`. The rest of the application imports the pool and the middleware from it. */
export function wallFile(input: WallFileInput): string {
  const { project, facts } = input
  const { style } = project
  const typed = style.language === 'ts'
  const parts = [
    `// Keeps the tenants apart. partywall init wrote it; it is yours now.\n${importsOf(input).join('\n')}`,
    `function setting(name${typed ? ': string' : ''})${typed ? ': string' : ''} {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(\`\${name} is not set: see .env.example\`)
  return value
}`,
    `/**
 * For code that runs before the tenant is known: sign-in, sign-up. Its login may read and insert rows of
 * ${input.entryTables.join(', ')} of all tenants, and nothing else.
 */
${exported(input, 'entryPool')}createEntryPool({ connectionString: setting('${ENTRY_URL}') })`,
    `/** \`wall.pool\` is a pg.Pool whose statements belong to the tenant of the request. Without a tenant they are refused. */
${exported(input, 'wall')}createPartywall({
  database: {
    url: setting('${APP_URL}'),
    searchPath: [${facts.schemas.map((schema) => `'${schema}'`).join(', ')}],
    // Every user may DELETE, as before. To allow it to some roles only: database: { url, roles: { tenant_admin: ['owner'] } }
    roles: false,
    levelOf: () => 'tenant_admin',
  },
  seal: { secret: setting('${SEAL_SECRET}') },
${authOf(input)}
  tenants: {
    async findByClaim(claim) {
      const { rows } = await entryPool.query(${lookup(facts)}, [claim])
      return rows[0]${facts.status === undefined ? '' : ' // a tenant whose status is not active is refused'}
    },
  },
})`,
    ...frameworkPart(input),
    ...exportsOf(input),
  ]
  return `${parts.join('\n\n')}\n`
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

function importsOf({ project: { style, framework, orm, manifest }, tokens }: WallFileInput): readonly string[] {
  const nestTypeorm = framework === 'nest' && orm === 'typeorm'
  const root = [
    'createPartywall',
    ...(framework === 'express' ? ['isPartywallError'] : []),
    ...(nestTypeorm ? ['runWithoutTenant'] : []),
  ]
  const isTyped = style.language === 'ts'
  return [
    // Imports run before the application's own dotenv.config(), and this file reads its settings at once.
    ...(manifest.hasAtRuntime('dotenv')
      ? [style.modules === 'commonjs' ? "require('dotenv/config')" : "import 'dotenv/config'"]
      : []),
    ...(framework === 'nest' && isTyped ? ["import type { IncomingMessage } from 'node:http'"] : []),
    ...(nestTypeorm && isTyped ? ["import type { TypeOrmModuleOptions } from '@nestjs/typeorm'"] : []),
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

function frameworkPart(input: WallFileInput): readonly string[] {
  const { framework, orm, style } = input.project
  const typed = style.language === 'ts'
  if (framework === 'express')
    return [
      `/** Opens the context of the request's tenant. Mount it before the routes of tenants, and after sign-in and health checks. */
${exported(input, 'tenantContext')}tenantContextMiddleware(wall)`,
      `const answerRefusal = tenantErrorHandler()
/** Answers partywall's refusals. All other errors go to your own error handler. */
${exported(input, typed ? 'tenantErrors: ErrorRequestHandler' : 'tenantErrors')}(error, request, response, next) =>
  isPartywallError(error) ? answerRefusal(error, request, response, next) : next(error)`,
    ]
  if (framework !== 'nest') return []
  const paths = input.publicPaths.map((path) => `'${path}'`).join(', ')
  const parts = [
    `/** Requests that need no tenant: sign-in, health checks. All others need a token. */
const publicPaths = [${paths}]
${exported(input, 'isPublic')}(request${typed ? ': IncomingMessage' : ''}) => {
  const path = (request.url ?? '').split('?')[0]
  return publicPaths.some((each) => path === each || path?.startsWith(\`\${each}/\`))
}`,
  ]
  if (orm === 'typeorm')
    parts.push(
      `/** Options of TypeOrmModule.forRootAsync() for the data of tenants. */
${exported(input, 'tenantTypeorm')}(options${typed ? ': TypeOrmModuleOptions' : ''}) => {
  // The wall has its own connection.
  const none = { url: undefined, host: undefined, port: undefined, username: undefined, password: undefined, database: undefined }
  const all = { ...options, ...none, ...wall.drivers.typeorm() }${typed ? ' as TypeOrmModuleOptions' : ''}
  return {
    useFactory: () => all,
    // TypeORM asks the server for its version when it starts, which belongs to no tenant.
    dataSourceFactory: (given${typed ? '?: DataSourceOptions' : ''}) => runWithoutTenant(() => new DataSource(given ?? ${typed ? '(all as DataSourceOptions)' : 'all'}).initialize()),
  }
}`,
      `/** The data source 'entry', for code that runs before the tenant is known: @InjectRepository(User, 'entry'). */
${exported(input, 'entryTypeorm')}(options${typed ? ': Partial<TypeOrmModuleOptions>' : ''}) => ({
  name: 'entry',
  useFactory: () => ({ ...options, type: 'postgres', url: setting('${ENTRY_URL}') })${typed ? ' as TypeOrmModuleOptions' : ''},
})`,
    )
  return parts
}

function exportsOf(input: WallFileInput): readonly string[] {
  const { style, framework, orm } = input.project
  if (style.modules !== 'commonjs') return []
  const names = [
    'entryPool',
    'wall',
    ...(framework === 'express' ? ['tenantContext', 'tenantErrors'] : []),
    ...(framework === 'nest' ? ['isPublic', ...(orm === 'typeorm' ? ['tenantTypeorm', 'entryTypeorm'] : [])] : []),
  ]
  return [`module.exports = { ${names.join(', ')} }`]
}
