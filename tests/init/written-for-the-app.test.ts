// What init writes fits the application that it was written for.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { decisionsForLevels } from '../../src/init/plan/decisions-for-levels.ts'
import { wallFile } from '../../src/init/writers/wall-file.ts'
import { memoryProject } from './memory-project.ts'

describe('decisionsForLevels', () => {
  const sqlOf = (sql: string) => decisionsForLevels([{ object: 'public.t', reason: 'r', sql }], 'a_app')[0]?.sql

  it('names the roles that hold the rights, because the login has none to revoke', () => {
    expect(sqlOf('-- why\nREVOKE SELECT ON public.t FROM a_app;\nGRANT SELECT (id) ON public.t TO a_app;')).toBe(
      '-- why\nREVOKE SELECT ON public.t FROM tenant_user, tenant_admin;\nGRANT SELECT (id) ON public.t TO tenant_user, tenant_admin;',
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
    const facts = {
      column: 'org_id',
      table: 'public.orgs',
      schema: 'public',
      tableName: 'orgs',
      key: 'id',
      status: undefined,
      tier: undefined,
      schemas: ['public'],
      tables: ['public.orgs'],
    }
    return wallFile({
      files,
      project: detectProject(files, {}),
      facts,
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

  it('does not import dotenv where production lacks it', () => {
    expect(
      wallOf({ type: 'module', dependencies: { pg: '8.0.0' }, devDependencies: { dotenv: '17.0.0' } }),
    ).not.toContain('dotenv')
  })
})
