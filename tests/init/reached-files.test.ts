// Files that the application loads, and which of two files that sign tokens init believes.
import { describe, expect, it } from 'vitest'
import { reachedFiles } from '../../src/init/code/reached-files.ts'
import { findOwnTokens } from '../../src/init/detection/own-tokens.ts'
import { detectProject } from '../../src/init/detection/project.ts'
import { tokensByHand } from '../../src/init/plan/tokens-by-hand.ts'
import { describePlan } from '../../src/init/report/describe-plan.ts'
import { wire } from '../../src/init/wiring/wire.ts'
import { memoryProject, packageJson } from './memory-project.ts'
import { ORGS } from './orgs-facts.ts'

function reached(files: Readonly<Record<string, string>>): readonly string[] | undefined {
  const set = reachedFiles(memoryProject(files))
  return set === undefined ? undefined : [...set].sort()
}

describe('reachedFiles', () => {
  it('follows imports and requires from the file that the start script names, also one that is built', () => {
    const manifest = packageJson(['pg'], {
      scripts: { start: 'NODE_ENV=production node dist/server.js', test: 'jest' },
    })
    expect(
      reached({
        'package.json': manifest,
        'src/server.ts':
          "import { app } from './app.js'\nimport type { A } from '@/types/a'\nimport express from 'express'",
        'src/app.ts': "const routes = require('./routes')\nexport * from '../src/lib/x'",
        'src/routes/index.ts': "await import('./late')",
        'src/routes/late.ts': '',
        'src/lib/x.ts': '',
        'src/types/a.ts': '',
        'src/old.ts': "import './app'",
        'test/a.test.ts': "import '../src/old'",
      }),
    ).toEqual([
      'src/app.ts',
      'src/lib/x.ts',
      'src/routes/index.ts',
      'src/routes/late.ts',
      'src/server.ts',
      'src/types/a.ts',
    ])
  })

  it('begins at usual names, and at the routes of Next.js, if no script names a file', () => {
    const manifest = packageJson(['pg'], { main: 'gone.js', scripts: { dev: 'next dev' } })
    expect(reached({ 'package.json': manifest, 'app/api/x/route.ts': "import '~/lib/db'", 'lib/db.ts': '' })).toEqual([
      'app/api/x/route.ts',
      'lib/db.ts',
    ])
  })

  it('does not know where no entry is found, or where code loads files by computed names', () => {
    expect(reached({ 'package.json': packageJson(['pg']), 'src/auth.ts': '' })).toBeUndefined()
    const autoload = "require('fs').readdirSync('routes').forEach((name) => require(path.join('routes', name)))"
    expect(reached({ 'package.json': packageJson(['pg']), 'index.js': autoload, 'routes/a.js': '' })).toBeUndefined()
  })
})

const OLD = 'jwt.sign({ userId: u.id, org_id: u.org_id }, process.env.OLD_JWT_KEY)\nfunction login() {}'
const USED = 'jwt.sign({ sub: u.id, orgId: u.org_id }, process.env.JWT_SECRET, { expiresIn: 60 })\nfunction login() {}'

describe('of two files that sign tokens', () => {
  const project = (imported: string) =>
    memoryProject({
      'package.json': packageJson(['pg', 'express'], { main: 'src/index.js' }),
      'src/index.js': imported,
      'src/a-generate-token.js': OLD,
      'src/session.js': USED,
    })

  function found(imported: string) {
    const files = project(imported)
    const tokens = findOwnTokens(files, ['org_id'])
    const detected = detectProject(files, {})
    const plan = {
      database: 'shop',
      logins: { app: 'shop_app', entry: 'shop_entry' },
      facts: ORGS,
      files: [],
      byHand: [],
      tokens,
      signing: [],
      notes: [],
      decisions: 0,
      ownerUrl: { names: [], replaced: [], byHand: [] },
      entryTables: [],
      dropping: [],
    }
    const line = describePlan(detected, plan, files).find(({ text }) => text.includes('tokens  '))
    const wired = wire(files, detected, 'src/partywall.js').byHand
    return { tokens, line: line?.text ?? '', left: tokensByHand(files, 'src/partywall.js', ORGS, tokens), wired }
  }

  it('init believes the one that the application loads, and takes claims and secret from there', () => {
    const { tokens, line, left, wired } = found("import './session.js'")
    expect(tokens).toMatchObject({ path: 'src/session.js', tenantClaim: 'orgId', secretVariable: 'JWT_SECRET' })
    expect(line).toContain('signed in src/session.js. Not in src/a-generate-token.js: no import that begins at')
    expect(left).toEqual([])
    const why = (path: string) => wired.find((each) => each.path === path)?.why
    expect(why('src/a-generate-token.js')).toContain('if it is not used, leave it')
    expect(why('src/session.js')).not.toContain('leave it')
  })

  it('init names both where the application loads both', () => {
    const { line, left } = found("import './session.js'\nimport './a-generate-token.js'")
    expect(line).toMatch(/signed in src\/a-generate-token\.js$/)
    expect(left.map(({ why }) => why).join()).toContain('but src/session.js signs tokens with other claims')
  })

  it('init says that it guesses, and names all, where the application loads neither', () => {
    expect(found("import './x.js'").line).toContain(
      'signed in src/a-generate-token.js or in src/session.js. This is a guess',
    )
  })
})
