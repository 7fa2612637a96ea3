// What init writes fits the application that it was written for.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { decisionsForLevels } from '../../src/init/plan/decisions-for-levels.ts'
import { isolationTests } from '../../src/init/writers/isolation-test.ts'
import { tokenOf } from '../../src/init/writers/token-of.ts'
import { wallFile } from '../../src/init/writers/wall-file.ts'
import { wallSettings } from '../../src/init/writers/wall-settings.ts'
import { memoryProject } from './memory-project.ts'
import { ORGS } from './orgs-facts.ts'

describe('decisionsForLevels', () => {
  const sqlOf = (sql: string) => decisionsForLevels([{ object: 'public.t', reason: 'r', sql }], 'a_app')[0]?.sql

  it('names the roles that hold the rights, because the login has none to revoke', () => {
    expect(sqlOf('-- why\nREVOKE SELECT ON public.t FROM a_app;\nGRANT SELECT (id) ON public.t TO a_app;')).toBe(
      '-- why\nREVOKE SELECT ON public.t FROM tenant_user, tenant_admin;\nGRANT SELECT (id) ON public.t TO tenant_user, tenant_admin;',
    )
    expect(sqlOf('-- Or a policy. It needs also: REVOKE INSERT, UPDATE ON public.m FROM PUBLIC, a_app;')).toBe(
      '-- Or a policy. It needs also: REVOKE INSERT, UPDATE ON public.m FROM PUBLIC, tenant_user, tenant_admin;',
    )
    expect(sqlOf('REVOKE ALL ON SEQUENCE public.s FROM PUBLIC, a_app;')).toBe(
      'REVOKE ALL ON SEQUENCE public.s FROM PUBLIC, tenant_user, tenant_admin;',
    )
  })

  it('leaves other statements and other roles as they are', () => {
    const sql = 'REVOKE SELECT ON public.t FROM other;\nALTER ROLE a_app NOLOGIN;\nGRANT tenant_user TO a_app;'
    expect(sqlOf(sql)).toBe(sql)
  })
})

describe('the file of the wall', () => {
  function wallOf(manifest: object): string {
    const files = memoryProject({ 'package.json': JSON.stringify(manifest), 'src/index.js': '' })
    return wallFile({
      files,
      project: detectProject(files, {}),
      facts: ORGS,
      tokens: undefined,
      entryTables: ['public.orgs'],
      publicRoutes: [],
    })
  }

  it('reads .env before its settings, where the application has dotenv: dotenv.config() runs after all imports', () => {
    const dependencies = { express: '5.0.0', pg: '8.0.0', dotenv: '17.0.0' }
    const module = wallOf({ type: 'module', dependencies })
    expect(module.indexOf("import 'dotenv/config'")).toBeGreaterThan(0)
    expect(module.indexOf("import 'dotenv/config'")).toBeLessThan(module.indexOf('setting('))
    expect(wallOf({ type: 'commonjs', dependencies })).toContain("require('dotenv/config')")
  })

  it('takes the token out of the cookie that the application reads, else out of the header', () => {
    const source = tokenOf({ name: 'access_token', path: 'src/jwt.ts' }, false, (name) => `const ${name} = `)
    const read: unknown = new Function(`${source}; return tokenOf`)()
    const of = (headers: object) => (typeof read === 'function' ? read({ headers }) : 'no function')
    expect(of({ cookie: 'theme=dark; access_token=a.b.c' })).toBe('a.b.c')
    expect(of({ cookie: 'access_token=a.b.c', authorization: 'Bearer x.y.z' })).toBe('a.b.c')
    expect(of({ authorization: 'Bearer x.y.z' })).toBe('x.y.z')
    for (const cookie of [undefined, '', 'my_access_token=a', 'other=access_token=a'])
      expect(of({ cookie })).toBeUndefined()
  })

  it('names the columns that the guard looks for, where they are not the usual ones', () => {
    const dependencies = { express: '5.0.0', pg: '8.0.0' }
    const text = wallOf({ type: 'module', dependencies })
    expect(text).toContain('The guard is off until your adapter gets `guard: wall.guard`')
    expect(text).toMatch(/Answers are kept for 60 seconds\. .* call wall\.tenants\.invalidate\(id\)\n/)
    expect(text).toContain(`  guard: { fields: ['${ORGS.column}', 'orgId'] },`)
  })

  it('does not stand in the folder that Next.js serves', () => {
    const files = { 'app/page.tsx': '', 'lib/db.ts': "import x from './x'" }
    const manifest = JSON.stringify({ dependencies: { next: '16.0.0', pg: '8.0.0' } })
    expect(detectProject(memoryProject({ 'package.json': manifest, ...files }), {}).style.sourceFolder).toBe('lib')
  })

  it('does not import dotenv where production lacks it', () => {
    expect(
      wallOf({ type: 'module', dependencies: { pg: '8.0.0' }, devDependencies: { dotenv: '17.0.0' } }),
    ).not.toContain('dotenv')
  })
})

describe('with Jest, which can not load ES modules from CommonJS', () => {
  const facts = {
    column: 'org_id',
    table: 'public.orgs',
    schema: 'public',
    tableName: 'orgs',
    key: 'id',
    status: undefined,
    tier: undefined,
    schemas: ['public'],
    searchPath: ['public'],
    tables: ['public.orgs', 'public.notes'],
    otherTables: ['public.notes'],
  }
  const testsOf = (files: Readonly<Record<string, string>>) => {
    const dependencies = { pg: '8.0.0', jest: '30.0.0' }
    const project = memoryProject({ 'package.json': JSON.stringify({ dependencies }), ...files })
    return isolationTests(detectProject(project, {}), facts, 'app')
  }

  it('the test is one of Node.js, and a test of Jest runs it', () => {
    const [native, jest] = testsOf({ 'src/a.js': "require('./b')", 'test/a.test.js': '' })
    expect(native?.path).toBe('test/tenant-isolation.mjs')
    expect(native?.content).toContain("from 'partywall/testing'")
    expect(native?.content).toContain("from 'node:test'")
    expect(jest?.path).toBe('test/tenant-isolation.test.js')
    expect(jest?.content).not.toContain("'partywall")
    expect(jest?.content).toContain("'test/tenant-isolation.mjs'")
    expect(jest?.content).toContain('require(')
  })

  it('it stands in no folder whose files Jest takes for tests, and where all tests are', () => {
    expect(testsOf({ 'src/x/__tests__/a.test.js': '' }).map(({ path }) => path)).toEqual([
      'src/x/tenant-isolation.mjs',
      'src/x/__tests__/tenant-isolation.test.js',
    ])
    expect(testsOf({ 'src/a/a.spec.ts': '', 'src/b/b.spec.ts': '' }).map(({ path }) => path)).toEqual([
      'src/tenant-isolation.mjs',
      'src/tenant-isolation.spec.ts',
    ])
  })
})

describe('settings of .env', () => {
  const code = (dependencies: object, files: Readonly<Record<string, string>> = {}) => {
    const project = memoryProject({
      'package.json': JSON.stringify({ dependencies }),
      'src/a.js': "require('./b')",
      ...files,
    })
    return wallSettings(project, detectProject(project, {})).code
  }
  const settingIn = (text: string, folder: string, name: string, environment: object = {}) => {
    const modules = { existsSync, readFileSync, parseEnv, process: { env: environment } }
    const previous = process.cwd()
    process.chdir(folder)
    try {
      const setting: unknown = new Function(...Object.keys(modules), `${text}\nreturn setting`)(
        ...Object.values(modules),
      )
      return typeof setting === 'function' ? setting(name) : undefined
    } finally {
      process.chdir(previous)
    }
  }

  it('are seen without dotenv, the environment first, and of two files the first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'partywall-settings-'))
    try {
      writeFileSync(join(folder, '.env'), 'A=one\n')
      writeFileSync(join(folder, '.env.development'), 'A=two\nB=two\n')
      const nest = { pg: '8.0.0', '@nestjs/config': '4.0.0' }
      const text = code(nest, {
        'src/m.js': "ConfigModule.forRoot({ envFilePath: '.env.development' })",
        '.env.development': 'x',
      })
      expect(settingIn(text, folder, 'A')).toBe('one')
      expect(settingIn(text, folder, 'B')).toBe('two')
      expect(settingIn(text, folder, 'A', { A: 'set' })).toBe('set')
      expect(() => settingIn(text, folder, 'C')).toThrow('C is not set')
      expect(process.env['B']).toBeUndefined()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
