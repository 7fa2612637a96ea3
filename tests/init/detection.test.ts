import { describe, expect, it } from 'vitest'
import { findDatabaseUrl } from '../../src/init/detection/database-url.ts'
import { findOwnTokens } from '../../src/init/detection/own-tokens.ts'
import { detectProject } from '../../src/init/detection/project.ts'
import { memoryProject, packageJson } from './memory-project.ts'

const detect = (files: Readonly<Record<string, string>>) => detectProject(memoryProject(files), {})

describe('migrations', () => {
  const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
    ['numbered SQL', { 'db/migrations/001_init.sql': 'create table a ()' }, 'sql', 'db/migrations'],
    ['Prisma', { 'prisma/migrations/20250101000000_init/migration.sql': '' }, 'prisma', 'prisma/migrations'],
    [
      'Drizzle in another folder',
      { 'drizzle.config.ts': "export default { out: './src/db/drizzle' }", 'src/db/drizzle/meta/_journal.json': '{}' },
      'drizzle',
      'src/db/drizzle',
    ],
    [
      'Drizzle with a configuration in JSON',
      { 'drizzle.config.json': '{ "out": "./sql/out" }', 'sql/out/meta/_journal.json': '{}' },
      'drizzle',
      'sql/out',
    ],
    [
      'TypeORM',
      { 'src/migrations/1741700000000-Init.ts': 'class Init implements MigrationInterface {}' },
      'typeorm',
      'src/migrations',
    ],
    ['Knex', { 'migrations/20250101000000_init.js': 'exports.up = (knex) => {}' }, 'knex', 'migrations'],
    [
      'node-pg-migrate in JavaScript',
      { 'migrations/1741700000000_init.js': 'exports.up = (pgm) => {}' },
      'node-pg-migrate',
      'migrations',
    ],
    ['Flyway', { 'sql/V1__init.sql': '' }, 'flyway', 'sql'],
    ['none', {}, 'sql', 'migrations'],
  ]
  it.each(cases)('finds %s', (_name, files, tool, folder) => {
    const { migrations } = detect({
      'package.json': packageJson(['pg', ...(tool === 'drizzle' ? ['drizzle-orm', 'drizzle-kit'] : [])]),
      ...files,
    })
    expect(migrations).toMatchObject({ tool, folder })
    expect(migrations.exists).toBe(Object.keys(files).length > 0)
  })

  it('takes the script of package.json that runs them', () => {
    const { migrations } = detect({
      'package.json': packageJson(['pg'], { scripts: { 'db:migrate': 'x' } }),
      'pnpm-lock.yaml': '',
    })
    expect(migrations.command).toBe('pnpm run db:migrate')
  })

  it('does not take a script that only writes one', () => {
    const scripts = { migrate: 'drizzle-kit generate:pg' }
    const { migrations } = detect({ 'package.json': packageJson(['pg', 'drizzle-orm', 'drizzle-kit'], { scripts }) })
    expect(migrations.command).toBe('npx drizzle-kit migrate')
  })
})

describe('the package manager', () => {
  it.each([
    ['package-lock.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun'],
    ['../../pnpm-lock.yaml', 'pnpm'],
  ])('is told by %s', (lock, manager) => {
    expect(detect({ 'package.json': packageJson(['pg']), [lock]: 'x' }).packageManager).toBe(manager)
  })

  it('is the one that runs init, if it has one of several lock files in a folder', () => {
    const files = memoryProject({ 'package.json': packageJson(['pg']), 'yarn.lock': 'x', 'package-lock.json': '{}' })
    const by = (agent: string) => detectProject(files, { npm_config_user_agent: agent }).packageManager
    expect(by('npm/10.8.2 node/v20.20.2 linux x64 workspaces/false')).toBe('npm')
    expect(by('yarn/1.22.22 npm/? node/v20.20.2 linux x64')).toBe('yarn')
    expect(by('pnpm/10.0.0 npm/? node/v20.20.2 linux x64')).toBe('yarn')
  })

  it('is the one that package.json names, whatever locks there are', () => {
    expect(
      detect({ 'package.json': packageJson(['pg'], { packageManager: 'yarn@4.1.0' }), 'package-lock.json': '{}' })
        .packageManager,
    ).toBe('yarn')
  })
})

describe('framework, library and style', () => {
  it('takes Nest for the framework, and not the Express below it', () => {
    const project = detect({ 'package.json': packageJson(['express', '@nestjs/core', 'typeorm', 'pg']) })
    expect(project).toMatchObject({ framework: 'nest', orm: 'typeorm' })
  })

  it('sees JavaScript with require', () => {
    const files = {
      'package.json': packageJson(['pg', 'express', 'jest']),
      'src/db.js': "const x = require('./pool')\nmodule.exports = {}",
    }
    const { style, testRunner } = detect(files)
    expect(style).toMatchObject({ language: 'js', modules: 'commonjs', importEnding: '', sourceFolder: 'src' })
    expect(testRunner).toBe('jest')
  })

  it('sees TypeScript whose imports end in .js, and tests that are called spec', () => {
    const files = {
      'package.json': packageJson(['pg', 'vitest'], { type: 'module' }),
      'app/db.ts': "import { a } from './a.js'",
      'e2e/app.spec.ts': '',
    }
    const { style } = detect(files)
    expect(style).toMatchObject({
      language: 'ts',
      importEnding: '.js',
      sourceFolder: 'app',
      testFolder: 'e2e',
      testMark: '.spec',
    })
  })

  it('sends the root of a workspace to the package that uses PostgreSQL', () => {
    const files = {
      'package.json': packageJson([], { workspaces: ['packages/*'] }),
      'packages/api/package.json': packageJson(['pg']),
      'packages/web/package.json': packageJson(['react']),
    }
    expect(() => detect(files)).toThrow(/Run it in packages\/api\./)
  })

  it('says what is missing where nothing uses PostgreSQL', () => {
    expect(() => detect({ 'package.json': packageJson(['express']) })).toThrow(/no library for PostgreSQL/)
    expect(() => detect({})).toThrow(/no package\.json/)
  })
})

describe('the URL of the database', () => {
  const url = 'postgres://u:p@localhost:5432/d'
  const find = (files: Readonly<Record<string, string>>, environment = {}) =>
    findDatabaseUrl(memoryProject(files), environment)

  it('comes from the environment before .env, and from .env before docker-compose', () => {
    const compose = { 'docker-compose.yml': 'image: postgres:17\n POSTGRES_PASSWORD: c\n ports:\n - "5433:5432"' }
    expect(find({ '.env': `DATABASE_URL=${url}/env` }, { DATABASE_URL: url })?.url).toBe(url)
    expect(find({ '.env': `DATABASE_URL="${url}"`, ...compose })).toEqual({
      url,
      variable: 'DATABASE_URL',
      source: 'DATABASE_URL in .env',
    })
    expect(find(compose)?.url).toBe('postgres://postgres:c@127.0.0.1:5433/postgres')
  })

  it('does not come from .env.example, from another database, or from a variable of docker-compose', () => {
    expect(find({ '.env.example': `DATABASE_URL=${url}` })).toBeUndefined()
    expect(find({ '.env': 'DATABASE_URL=mysql://u:p@localhost/d' })).toBeUndefined()
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of docker-compose
    expect(find({ 'compose.yaml': 'image: postgres\nPOSTGRES_PASSWORD: ${SECRET}' })).toBeUndefined()
  })

  it('comes from the parts that the code reads, before docker-compose and before a URL that nothing reads', () => {
    const code =
      'host: process.env.DB_HOST, port: 5432, user: config.get("DB_USER"), [process.env.DB_PASSWORD, process.env.DB_NAME]'
    const env = 'DB_HOST=127.0.0.1\nDB_PORT=5433\nDB_USER=me\nDB_PASSWORD=p/w\nDB_NAME=mine'
    const compose = 'image: postgres:17\n POSTGRES_PASSWORD: c'
    expect(find({ 'src/db.ts': code, '.env': `${env}\nPOSTGRES_URL=${url}`, 'docker-compose.yml': compose })).toEqual({
      url: 'postgres://me:p%2Fw@127.0.0.1:5433/mine',
      variable: undefined,
      parts: { host: 'DB_HOST', port: 'DB_PORT', user: 'DB_USER', password: 'DB_PASSWORD', database: 'DB_NAME' },
      source: 'DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME in .env',
    })
  })

  it.each([
    ['PGHOST=h\nPGUSER=u\nPGPASSWORD=p\nPGDATABASE=d', 'postgres://u:p@h:5432/d'],
    ['POSTGRES_HOST=h\nPOSTGRES_USER=u\nPOSTGRES_PASSWORD=p\nPOSTGRES_DB=d', 'postgres://u:p@h:5432/d'],
    ['TYPEORM_HOST=h\nTYPEORM_USERNAME=u\nTYPEORM_DATABASE=d\nTYPEORM_PORT=1', 'postgres://u@h:1/d'],
    ['DB_HOST=h\nDB_USERNAME=u\nDB=d', 'postgres://u@h:5432/d'],
    ['DB_HOST=/run/postgresql\nDB_USER=u\nDB_NAME=d', 'postgres://u@localhost/d?host=%2Frun%2Fpostgresql'],
  ])('comes from %s, before docker-compose', (env, wanted) => {
    expect(find({ '.env': env, 'compose.yml': 'image: postgres\nPOSTGRES_PASSWORD: c' })?.url).toBe(wanted)
  })

  it('takes a part from the environment before the same part of .env', () => {
    const found = find({ '.env': 'DB_HOST=h\nDB_USER=u\nDB_NAME=d' }, { DB_HOST: 'other' })
    expect(found).toMatchObject({
      url: 'postgres://u@other:5432/d',
      source: 'DB_HOST, DB_USER, DB_NAME in the environment and .env',
    })
  })

  it('comes from a variable of any name that the code reads', () => {
    const env = { '.env': `DATABASE_CONNECTION=${url}` }
    expect(find({ ...env, 'src/env.ts': 'DATABASE_CONNECTION: z.string()' })).toMatchObject({
      url,
      variable: 'DATABASE_CONNECTION',
    })
    expect(find(env)).toBeUndefined()
  })

  it('is not made of parts without a database', () => {
    expect(find({ '.env': 'DB_HOST=h\nDB_USER=u' })).toBeUndefined()
  })

  it('tells its source without the password', () => {
    expect(find({ '.env': 'DATABASE_URL=postgres://u:hush@localhost/d' })?.source).not.toContain('hush')
  })
})

describe('tokens that the application signs', () => {
  const find = (text: string) => findOwnTokens(memoryProject({ 'src/auth.ts': text }), ['org_id'])

  it.each([
    ['new SignJWT({ org_id: user.org_id, role: user.role })\nprocess.env.JWT_SECRET', 'org_id', 'sub', 'role'],
    ['jwt.sign({ sub: id, orgId, roles }, process.env.AUTH_SECRET)', 'orgId', 'sub', 'roles'],
    ['jwt.signAsync({ userId: user.id, orgId: user.orgId })\nprocess.env["JWT_KEY"]', 'orgId', 'userId', undefined],
  ])('are found in %s', (text, tenantClaim, userClaim, roleClaim) => {
    expect(find(text)).toMatchObject({ tenantClaim, userClaim, roleClaim, path: 'src/auth.ts' })
  })

  it.each([
    [
      'const payload: Payload = { sub: user.id, orgId: user.orgId };\nthis.jwtService.sign(payload)\nprocess.env.JWT_SECRET',
      'JWT_SECRET',
    ],
    [
      "JwtModule.registerAsync({ useFactory: (config: ConfigService) => ({ secret: config.get<string>('JWT_SECRET'), signOptions: { expiresIn: config.get('JWT_EXPIRES_IN') } }) })\nconst claims = { sub: id, orgId }\nreturn this.jwtService.signAsync(claims)",
      'JWT_SECRET',
    ],
    [
      "configService.getOrThrow('JWT_EXPIRES_IN'); config.getOrThrow('ACCESS_TOKEN_KEY'); jwt.sign({ sub, orgId })",
      'ACCESS_TOKEN_KEY',
    ],
  ])(
    'are found where claims stand in a variable and the secret in a service of settings: %s',
    (text, secretVariable) => {
      expect(find(text)).toMatchObject({ tenantClaim: 'orgId', userClaim: 'sub', secretVariable })
    },
  )

  it.each([
    ['export function signToken(claims: Claims): string {\n  return jwt.sign(claims, process.env.JWT_SECRET)\n}'],
    [
      'export const signToken = async (claims: { sub: string; orgId: string }) =>\n  new SignJWT({ ...claims }).sign(key(process.env.JWT_SECRET))',
    ],
    [
      'class Tokens {\n  signToken(claims: Claims) {\n    if (x) {}\n    return this.jwtService.signAsync(claims, { secret: process.env.JWT_SECRET })\n  }\n}',
    ],
  ])('are found where a function signs what its callers give it: %s', (wrapper) => {
    const files = (caller: string) => memoryProject({ 'src/tokens.ts': wrapper, 'src/routes/auth.ts': caller })
    const found = { tenantClaim: 'orgId', userClaim: 'sub', secretVariable: 'JWT_SECRET', path: 'src/routes/auth.ts' }
    expect(findOwnTokens(files('return signToken({ sub: user.id, orgId })'), ['org_id'])).toMatchObject(found)
    expect(findOwnTokens(files('const c = { sub, orgId }\nreturn tokens.signToken(c)'), ['org_id'])).toMatchObject(
      found,
    )
    expect(findOwnTokens(files('other({ sub, orgId })'), ['org_id'])).toBeUndefined()
  })

  it('are not guessed where a function signs something else than its parameter', () => {
    const text = 'function link(data) {\n  return hmac.sign(data, process.env.JWT_SECRET)\n}\nlink({ sub, orgId })'
    expect(find(text)).toBeUndefined()
  })

  it('are not guessed if no claim names the tenant, or no secret is known', () => {
    expect(find('jwt.sign({ sub: id }, process.env.JWT_SECRET)')).toBeUndefined()
    expect(find('jwt.sign({ sub: id, orgId }, secret)')).toBeUndefined()
  })
})

describe('the folder of tests', () => {
  const styleOf = (jest: object, files: Readonly<Record<string, string>>) =>
    detectProject(
      memoryProject({
        'package.json': JSON.stringify({
          dependencies: { pg: '8.0.0', '@nestjs/core': '11.0.0' },
          devDependencies: { jest: '30.0.0' },
          jest,
        }),
        ...files,
      }),
      {},
    ).style
  const nest = { rootDir: 'src', testRegex: '.*\\.spec\\.ts$' }

  it('is the one in which Jest looks for them, also without any', () => {
    const files = { 'src/main.ts': '', 'test/app.e2e-spec.ts': '', 'test/old.test.ts': '' }
    expect(styleOf(nest, files)).toMatchObject({ testFolder: 'src', testMark: '.spec' })
    expect(styleOf({}, files)).toMatchObject({ testFolder: 'test', testMark: '.test' })
    expect(styleOf(nest, { 'src/a/a.spec.ts': '' })).toMatchObject({ testFolder: 'src/a', testMark: '.spec' })
  })
})
