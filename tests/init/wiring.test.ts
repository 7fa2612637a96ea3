// The changes of an application's own code: exactly where one place can be meant, and nowhere else.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { findTokenCookie } from '../../src/init/detection/token-cookie.ts'
import { wire } from '../../src/init/wiring/wire.ts'
import { memoryProject, packageJson } from './memory-project.ts'

function wired(dependencies: readonly string[], files: Readonly<Record<string, string>>) {
  const project = memoryProject({ 'package.json': packageJson(dependencies, { type: 'module' }), ...files })
  const { edits, byHand } = wire(project, detectProject(project, {}), 'src/partywall.ts')
  const texts = Object.fromEntries(edits.map((edit) => [edit.path, edit.kind === 'edit' ? edit.content : '']))
  return { texts, byHand: byHand.map(({ path, why }) => `${path}: ${why}`) }
}

describe('libraries whose lines are printed', () => {
  it('names the files that open their connections, and not the file of the wall', () => {
    const files = {
      'models/index.js': "import { Sequelize } from 'sequelize'\nconst sequelize = new Sequelize(config)",
      'config/db.js': "export default new Sequelize('x', 'y', 'z')",
    }
    expect(wired(['sequelize', 'pg', 'express'], files).byHand.join('\n')).toMatch(
      /^config\/db\.js or models\/index\.js: give sequelize the options of the wall of src\/partywall\.ts/m,
    )
    expect(
      wired(['knex', 'pg', 'express'], { 'src/db.js': "export default knex({ client: 'pg' })" }).byHand.join(),
    ).toContain('src/db.js: give knex the options')
    expect(wired(['knex', 'pg', 'express'], {}).byHand.join()).toContain('src/partywall.ts: give knex the options')
  })
})

describe('code that signs users in', () => {
  const SIGN_IN = { 'src/auth.js': 'if (await bcrypt.compare(password, user.hash)) jwt.sign({})' }
  const hintFor = (...dependencies: readonly string[]) =>
    wired([...dependencies, 'pg', 'express'], SIGN_IN).byHand.find((line) => line.startsWith('src/auth.js')) ?? ''

  it('is told of a connection that exists: the data source of Nest is made under Nest only', () => {
    expect(hintFor()).toContain('use entryPool of src/partywall.ts there')
    for (const library of ['sequelize', 'knex', 'typeorm'])
      expect(hintFor(library)).toContain(
        `use entryPool of src/partywall.ts, or a second instance of ${library} on PARTYWALL_ENTRY_URL, there`,
      )
    expect(hintFor('typeorm', '@nestjs/core')).toContain("use the data source 'entry' there")
  })
})

describe('pg', () => {
  it('replaces the one pool, whatever its options hold', () => {
    const text = "import pg from 'pg'\nexport const pool = new pg.Pool({ user: 'a)b', /* ) */ port: Number('1') })\n"
    expect(wired(['pg'], { 'src/db.ts': text }).texts['src/db.ts']).toBe(
      "import { wall } from './partywall.js'\nexport const pool = wall.pool\n",
    )
  })

  it('names the options that the pool loses, also those of an object in another file', () => {
    const text =
      "import pg from 'pg'\nimport { dbConfig } from './config.js'\nexport const pool = new pg.Pool(dbConfig)\n"
    const config =
      'export const dbConfig = { host, max: 20, idleTimeoutMillis: Number(process.env.IDLE), statement_timeout: 5 }'
    const { byHand } = wired(['pg'], { 'src/db.ts': text, 'src/config.ts': config })
    expect(byHand.join('\n')).toMatch(
      /^src\/partywall\.ts: the pool of src\/db\.ts had the options max: 20, idleTimeoutMillis, statement_timeout: 5\. .* dbConfig/m,
    )
    expect(wired(['pg'], { 'src/db.ts': text, 'src/config.ts': 'export const dbConfig = { host }' }).byHand).toEqual(
      wired(['pg'], { 'src/db.ts': text }).byHand,
    )
  })

  it('keeps the import of pg where it is still used', () => {
    const text = "import pg from 'pg'\npg.types.setTypeParser(20, Number)\nexport const pool = new pg.Pool()\n"
    expect(wired(['pg'], { 'src/db.ts': text }).texts['src/db.ts']).toContain("import pg from 'pg'")
  })

  it('changes nothing if there are two pools, and prints the line', () => {
    const text = "import pg from 'pg'\nexport const a = new pg.Pool()\nexport const b = new pg.Pool()\n"
    const { texts, byHand } = wired(['pg'], { 'src/db.ts': text })
    expect(texts).toEqual({})
    expect(byHand.join()).toContain('wall.pool')
  })

  it('leaves tests, seeds and migrations on their own pool', () => {
    const text = 'const pool = new Pool()'
    expect(
      wired(['pg'], {
        'src/seed.ts': text,
        'test/a.test.ts': text,
        'scripts/migrate.ts': text,
        'src/x.ts': 'import x from "./y"',
      }).texts,
    ).toEqual({})
  })
})

describe('Express', () => {
  it('mounts the context after the only check of who is calling, with semicolons where the file has them', () => {
    const text =
      "import express from 'express';\nconst app = express();\napp.use(requireAuth);\napp.use((err, req, res, next) => {});\n"
    expect(wired(['pg', 'express'], { 'src/app.ts': text }).texts['src/app.ts']).toContain(
      'app.use(requireAuth);\napp.use(tenantContext);\napp.use(tenantErrors);\napp.use((err',
    )
  })

  it('leaves it to a person if each router has a check of its own', () => {
    const text = 'a.use(requireAuth)\nb.use(requireAuth)\n'
    const { texts, byHand } = wired(['pg', 'express'], { 'src/app.ts': text })
    expect(texts).toEqual({})
    expect(byHand.join()).toContain('mount the two middlewares')
  })
})

it('Prisma gets the pool, the extension without which tenants would be mixed, and a second client', () => {
  const text =
    "import { PrismaClient } from './c'\nexport const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: u }), log: [] })\n"
  const content = wired(['@prisma/client'], { 'src/db.ts': text }).texts['src/db.ts']
  expect(content).toContain(
    'new PrismaClient({ adapter: new PrismaPg(wall.pool), log: [] }).$extends(tenantExtension())',
  )
  expect(content).toContain('entryPrisma = new PrismaClient({ adapter: new PrismaPg(entryPool) })')
})

it('Drizzle on postgres.js moves to pg, and what is left of postgres.js is named', () => {
  const text =
    "import { drizzle } from 'drizzle-orm/postgres-js';\nimport postgres from 'postgres';\nexport const client = postgres(process.env.POSTGRES_URL);\nexport const db = drizzle(client, { schema });\n"
  const { texts, byHand } = wired(['drizzle-orm', 'postgres'], { 'lib/db.ts': text })
  expect(texts['lib/db.ts']).toContain("import { drizzle } from 'drizzle-orm/node-postgres';")
  expect(texts['lib/db.ts']).toContain('export const db = drizzle(wall.pool, { schema });')
  expect(texts['lib/db.ts']).toContain('entryDb = drizzle(entryPool, { schema });')
  expect(byHand.join('\n')).toMatch(/^package\.json: Drizzle works on pg now, .*: npm install pg$/m)
  expect(byHand.join('\n')).toMatch(/^lib\/db\.ts: remove the client of postgres\.js/m)
  expect(wired(['drizzle-orm', 'postgres', 'pg'], { 'lib/db.ts': text }).byHand.join()).not.toContain('package.json')
})

it('Drizzle on a URL gets the pool', () => {
  const text =
    "import { drizzle } from 'drizzle-orm/node-postgres'\nexport const db = drizzle(process.env.DATABASE_URL!, { schema })\n"
  const content = wired(['drizzle-orm'], { 'src/db.ts': text }).texts['src/db.ts']
  expect(content).toContain('db = drizzle(wall.pool, { schema })')
  expect(content).toContain('entryDb = drizzle(entryPool, { schema })')
})

describe('Drizzle on a driver that is not pg', () => {
  const on = (driver: string, call: string, imported = '{ drizzle }') => {
    const text = `import ${imported} from 'drizzle-orm/${driver}'\nimport * as schema from './schema'\nexport const db = ${call}\n`
    const { texts, byHand } = wired(['drizzle-orm'], { 'src/db.ts': text })
    return { content: texts['src/db.ts'], byHand: byHand.join('\n') }
  }

  it.each(['neon-http', 'neon-serverless', 'vercel-postgres', 'postgres-js'])('moves from %s to pg', (driver) => {
    const { content, byHand } = on(driver, 'drizzle(neon(env.DATABASE_URL!, { a, b }), { schema })')
    expect(content).toContain("import { drizzle } from 'drizzle-orm/node-postgres'")
    expect(content).toContain('export const db = drizzle(wall.pool, { schema })')
    expect(content).toContain('export const entryDb = drizzle(entryPool, { schema })')
    expect(byHand).toContain('no longer on')
  })

  it('keeps the options of a call with one object', () => {
    const { content } = on('neon-http', "drizzle({ client: sql, schema, casing: 'snake_case' })")
    expect(content).toContain("db = drizzle({ client: wall.pool, schema, casing: 'snake_case' })")
    expect(content).toContain("entryDb = drizzle({ client: entryPool, schema, casing: 'snake_case' })")
    expect(on('node-postgres', 'drizzle({ schema, connection: { url, ssl: true } })').content).toContain(
      'db = drizzle({ schema, client: wall.pool })',
    )
    expect(on('node-postgres', 'drizzle({ client, schema })').content).toContain(
      'drizzle({ client: wall.pool, schema })',
    )
  })

  it.each([
    ['pglite', 'drizzle(client, { schema })', '{ drizzle }'],
    ['better-sqlite3', 'drizzle(client, { schema })', '{ drizzle }'],
    ['neon-http', 'drizzle(client, { schema })', '{ drizzle, type NeonHttpDatabase }'],
  ])('is left to a person, with the reason: %s', (driver, call, imported) => {
    const { content, byHand } = on(driver, call, imported)
    expect(content).toBeUndefined()
    expect(byHand).toContain(`It works on ${driver} here. The pool of the wall is one of pg`)
    expect(wired(['drizzle-orm'], { 'src/db.ts': 'export const db = drizzle({ schema })' }).texts).toEqual({})
  })

  it('names files with types of the old driver', () => {
    const { byHand } = wired(['drizzle-orm'], {
      'src/db.ts': "import { drizzle } from 'drizzle-orm/neon-http'\nexport const db = drizzle(sql, { schema })\n",
      'src/repo.ts': "import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'\n",
    })
    expect(byHand.join('\n')).toMatch(/^src\/repo\.ts: its types are those of neon-http/m)
  })

  it('a call in a comment does not count', () => {
    const { content } = on('node-postgres', 'drizzle(pool, { schema }) // once drizzle(url)\n/* drizzle(old) */')
    expect(content).toContain('db = drizzle(wall.pool, { schema }) // once')
  })
})

describe('code that compares passwords', () => {
  const named = (files: Readonly<Record<string, string>>) =>
    wired(['pg'], files).byHand.filter((line) => line.includes('before the tenant is known'))

  it('is named, because it may sign users in, which happens before the tenant is known', () => {
    expect(named({ 'src/login.ts': 'await bcrypt.compare(a, b)' }).join()).toMatch(
      /^src\/login\.ts: it compares passwords\. Code that signs users in runs before the tenant is known/,
    )
  })

  it('is named also where the function of argon2 is imported alone, or where only a helper is known', () => {
    const alone = "import { hash, verify } from 'argon2'\nif (!(await verify(user.password, given))) throw denied"
    expect(named({ 'src/users.services.ts': alone })).toHaveLength(1)
    const helper = 'export async function verifyPassword(a, b) { return argon2.verify(a, b) }'
    expect(named({ 'src/users.services.ts': helper })).toHaveLength(1)
  })

  it('is named where it asks the database, and credentials that are no passwords are called so', () => {
    const hints = named({
      'src/lib/api-key.ts': 'export const isSameKey = (key, hash) => compare(key, hash)',
      'src/middleware/auth.ts':
        "import { isSameKey } from '../lib/api-key'\nimport { keys } from '../repositories/api-key.repository'",
      'src/repositories/api-key.repository.ts':
        'export const keys = { by: (prefix) => prisma.apiKey.findMany({ where: { prefix } }) }',
    })
    expect(hints).toHaveLength(1)
    expect(hints[0]).toMatch(
      /^src\/repositories\/api-key\.repository\.ts: it asks the database for src\/lib\/api-key\.ts, which compares credentials\. Code/,
    )
  })

  it('is not named beside code that signs users in: a change of the password has a tenant', () => {
    const hints = named({
      'src/auth.ts': 'if (await bcrypt.compare(a, b)) return jwt.sign({ id })',
      'src/users.ts': 'if (await bcrypt.compare(old, user.password)) save()',
    })
    expect(hints).toHaveLength(1)
    expect(hints[0]).toMatch(/^src\/auth\.ts: it signs users in/)
  })
})

describe('Prisma under NestJS', () => {
  const nest = ['@nestjs/core', '@prisma/client', 'pg']
  const service = `import { Injectable } from '@nestjs/common';
import { PrismaClient } from '@prisma/client';
import { PrismaPg } from '@prisma/adapter-pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL });

@Injectable()
export class Database extends PrismaClient {
    constructor() {
        super({ adapter: new PrismaPg(pool) });
    }
}
`
  const module = `import { Database } from './database.js';\n@Module({ providers: [Database], exports: [Database] })\nexport class DatabaseModule {}\n`
  const root = `import { Module } from '@nestjs/common';\n@Module({\n  imports: [\n    DatabaseModule,\n  ],\n})\nexport class AppModule {}\n`
  const main = 'const app = await NestFactory.create<NestExpressApplication>(AppModule)'
  const files = {
    'src/database.ts': service,
    'src/database.module.ts': module,
    'src/app.module.ts': root,
    'src/main.ts': main,
  }

  it('gets the pool and the extension in its class, and a second class for sign-in, which its module provides', () => {
    const { texts, byHand } = wired(nest, files)
    expect(texts['src/database.ts']).toContain(
      '        super({ adapter: new PrismaPg(wall.pool) });\n        this.$extends(tenantExtension());\n    }\n',
    )
    expect(texts['src/database.ts']).toContain(
      '@Injectable()\nexport class EntryDatabase extends PrismaClient {\n    constructor() {\n        super({ adapter: new PrismaPg(entryPool) });\n    }\n}\n',
    )
    expect(texts['src/database.module.ts']).toContain("import { Database, EntryDatabase } from './database.js'")
    expect(texts['src/database.module.ts']).toContain(
      'providers: [Database, EntryDatabase], exports: [Database, EntryDatabase]',
    )
    expect(byHand).toEqual([])
  })

  it('gets the module in the root module that the application is created with', () => {
    const line = (more: Readonly<Record<string, string>>) =>
      wired(nest, { ...files, ...more }).texts['src/app.module.ts']
    expect(line({})).toContain(
      'imports: [\n    PartywallModule.forRoot({ wall, exclude: isPublic }),\n    DatabaseModule,',
    )
    expect(line({})).toContain("import { isPublic, wall } from './partywall.js';")
    expect(line({ 'src/main.ts': `${main}\napp.enableCors()` })).toContain(
      "exclude: isPublic, mount: 'after-app-use' })",
    )
    const cookie = { 'src/jwt.ts': 'fromExtractors([(req) => req?.cookies?.access_token])' }
    expect(line(cookie)).toContain('exclude: isPublic, token: tokenOf })')
    expect(line(cookie)).toContain("import { isPublic, tokenOf, wall } from './partywall.js';")
  })

  it.each([
    ['two classes', { 'src/other.ts': service.replace('Database', 'Other') }],
    ['no driver adapter', { 'src/database.ts': service.replace('{ adapter: new PrismaPg(pool) }', '') }],
  ])('is left to a person with %s', (_case, more) => {
    const { texts, byHand } = wired(nest, { ...files, ...more })
    expect(texts['src/database.ts']).toBeUndefined()
    expect(byHand.join('\n')).toMatch(/^src\/database\.ts.*: give Prisma the pool of src\/partywall\.ts/m)
  })

  it.each([
    ['two applications', { 'src/worker.ts': 'NestFactory.create(WorkerModule)' }],
    ['no list of imports', { 'src/app.module.ts': '@Module({})\nexport class AppModule {}' }],
    ['two modules in its file', { 'src/app.module.ts': `${root}\n@Module({ imports: [] })\nclass Other {}` }],
  ])('leaves the module to a person with %s', (_case, more) => {
    const { texts, byHand } = wired(nest, { ...files, ...more })
    expect(texts['src/app.module.ts']).toBeUndefined()
    expect(byHand.join('\n')).toMatch(/: import the module$/m)
  })
})

it('several edits of one file become one', () => {
  const text = `import express from 'express'
import pg from 'pg'
const pool = new pg.Pool()
const app = express()
app.use(requireAuth)
`
  const content = wired(['pg', 'express'], { 'src/app.ts': text }).texts['src/app.ts']
  expect(content).toContain('const pool = wall.pool')
  expect(content).toContain('app.use(requireAuth)\napp.use(tenantContext)')
  const nest = `import { PrismaClient } from '@prisma/client'
import { Module } from '@nestjs/common'
class Database extends PrismaClient {
  constructor() {
    super({ adapter: new PrismaPg(pool) })
  }
}
@Module({ imports: [], providers: [Database], exports: [Database] })
export class AppModule {}
NestFactory.create(AppModule)
`
  const whole = wired(['@nestjs/core', '@prisma/client', 'pg'], { 'src/main.ts': nest })
  expect(whole.texts['src/main.ts']).toContain('new PrismaPg(wall.pool)')
  expect(whole.texts['src/main.ts']).toContain('imports: [PartywallModule.forRoot({ wall, exclude: isPublic })]')
})

describe('the token of a request', () => {
  const cookieIn = (files: Readonly<Record<string, string>>) =>
    findTokenCookie(memoryProject({ 'package.json': packageJson([]), ...files }))?.name

  it.each([
    ['req.cookies.token', 'token'],
    ['request.cookies?.["access_token"]', 'access_token'],
    ["req?.cookies?.['__session']", '__session'],
    ["ctx.cookies.get('jwt')", 'jwt'],
    ["getCookie(c, 'auth')", 'auth'],
  ])('is in the cookie that %s reads', (text, name) => {
    expect(cookieIn({ 'src/auth.ts': `const it = ${text}` })).toBe(name)
  })

  it('is in no cookie where several could be meant, and not in one for another purpose', () => {
    expect(cookieIn({ 'src/a.ts': 'req.cookies.token', 'src/b.ts': 'req.cookies.session' })).toBeUndefined()
    expect(
      cookieIn({ 'src/a.ts': 'req.cookies.refresh_token; req.cookies.theme; req.cookies.csrfToken' }),
    ).toBeUndefined()
    expect(cookieIn({ 'test/a.ts': 'req.cookies.token' })).toBeUndefined()
  })
})

describe('TypeORM under NestJS, with options that are made when the application starts', () => {
  const module = (options: string, before = 'imports: [') =>
    `import { TypeOrmModule } from '@nestjs/typeorm';\n@Module({\n  ${before}\n    TypeOrmModule.forRootAsync(${options}),\n  ],\n})\nexport class DatabaseModule {}\n`
  const nest = ['@nestjs/core', '@nestjs/typeorm', 'typeorm', 'pg']
  const options = '{\n      inject: [key],\n      useFactory: (config) => ({ host: config.host }),\n    }'

  it('gets the modules of the wall with the same options, and the module before them', () => {
    const content = wired(nest, { 'src/db.module.ts': module(options) }).texts['src/db.module.ts']
    expect(content).toContain(
      `    PartywallModule.forRoot({ wall, exclude: isPublic }),\n    ...typeormModules(${options}),\n  ],`,
    )
    expect(content).not.toContain('TypeOrmModule')
  })

  it('keeps the import of TypeOrmModule where it is still used', () => {
    const text = module(options, 'imports: [\n    TypeOrmModule.forFeature([A]),')
    const content = wired(nest, { 'src/db.module.ts': text }).texts['src/db.module.ts']
    expect(content).toContain("import { TypeOrmModule } from '@nestjs/typeorm';")
  })

  it.each([
    '{ useClass: TypeOrmOptions }',
    '{ ...shared }',
    'withDefaults({ useFactory: make })',
    "{ name: 'second', useFactory: make }",
    'options',
  ])('leaves %s to a person', (given) => {
    const { texts, byHand } = wired(nest, { 'src/db.module.ts': module(given) })
    expect(texts).toEqual({})
    expect(byHand.join()).toContain('src/db.module.ts: import the modules of the wall')
  })
})

describe('code that runs before the tenant is known', () => {
  it('is a sign-in that signs a token, also without the check of a password', () => {
    const text = "export async function loginHandler(request) {\n  return jwt.sign({ id: user.id }, 'x')\n}\n"
    expect(wired(['pg'], { 'src/users.ts': text }).byHand.join()).toContain('src/users.ts: it signs users in')
    expect(wired(['pg'], { 'src/tokens.ts': text.replace('loginHandler', 'make') }).byHand.join()).not.toContain(
      'it signs users in',
    )
  })

  it('is a migration that the application runs when it starts, unless it has a connection of its own', () => {
    const migrator = "import { migrate } from 'drizzle-orm/node-postgres/migrator'\n"
    const shared = `${migrator}import { db } from './db'\nawait migrate(db, {})\n`
    const own = `${migrator}await migrate(drizzle(new Pool({ connectionString: process.env.DATABASE_URL })), {})\n`
    const { byHand } = wired(['pg', 'drizzle-orm'], { 'src/index.ts': shared, 'scripts/migrate.ts': own })
    expect(byHand.filter((line) => line.includes('it runs migrations'))).toEqual([
      expect.stringContaining('src/index.ts: it runs migrations, and the login of the application may not'),
    ])
  })
})
