// The changes of an application's own code: exactly where one place can be meant, and nowhere else.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
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

it('Drizzle on a URL gets the pool', () => {
  const text =
    "import { drizzle } from 'drizzle-orm/node-postgres'\nexport const db = drizzle(process.env.DATABASE_URL!, { schema })\n"
  const content = wired(['drizzle-orm'], { 'src/db.ts': text }).texts['src/db.ts']
  expect(content).toContain('db = drizzle(wall.pool, { schema })')
  expect(content).toContain('entryDb = drizzle(entryPool, { schema })')
})

it('code that compares a password is named, because it runs before the tenant is known', () => {
  const { byHand } = wired(['pg'], { 'src/login.ts': 'await bcrypt.compare(a, b)' })
  expect(byHand.join()).toContain('src/login.ts: it signs users in before the tenant is known')
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
