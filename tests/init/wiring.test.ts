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
