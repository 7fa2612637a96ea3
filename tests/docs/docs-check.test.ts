// `npm run docs:check` on pages with one fault each. Blocks import the built package, as in the check itself.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkDocuments } from '../../scripts/docs-check/check-documents.mjs'
import { documentsOf } from '../../scripts/docs-check/documents.mjs'
import { packageRoot } from '../../src/config/package-root.ts'

const root = packageRoot()

async function faultsOf(markdown: string, path = 'docs/page.md'): Promise<readonly string[]> {
  const { faults } = await checkDocuments(root, [{ path, markdown }])
  return faults.map(({ document, line, message }) => `${document}:${line}: ${message}`)
}

const block = (language: string, code: string) => `# Page\n\n\`\`\`${language}\n${code}\n\`\`\`\n`

describe('the check of the documents', { timeout: 120_000 }, () => {
  it.each([
    ['a name that partywall does not export', block('ts', "import { createWall } from 'partywall'"), 'TS2305'],
    ['an entry point that does not exist', block('ts', "import { x } from 'partywall/nothing'"), 'TS2307'],
    ['a name that nothing declares', block('ts', 'await wal.ready()'), 'TS2552'],
    [
      'an option that does not exist',
      block('ts', "import { createPartywall } from 'partywall'\ncreatePartywall({ database, auth, seal, gard: {} })"),
      'docs/page.md:5: TS2561',
    ],
    ['code that is no TypeScript', block('ts', 'createPartywall({ …, health })'), 'TS1127'],
    ['JavaScript that calls what is not there', block('js', "await wall.pool.qery('select 1')"), 'TS2551'],
    ['SQL that does not parse', block('sql', 'ALTER TABLE documents ENABLE ROW LEVEL SECURTY;'), 'docs/page.md:3: sql'],
    ['JSON that does not parse', block('json', '{ "failOn": "low", }'), 'docs/page.md:3: json'],
    ['YAML that does not parse', block('yaml', 'steps: [\n- run: x'), 'docs/page.md:3: yaml'],
    ['a flag that the command does not have', block('sh', 'npx partywall verify --databse-url x'), '--databse-url'],
    ['a command that does not exist', block('', 'partywall verfy'), "unknown command 'verfy'"],
    ['a choice that does not exist', block('sh', 'partywall verify --format pdf'), 'Allowed choices'],
    ['a command behind a pipe', block('sh', 'cat a.sql | partywall verify --migration -'), '--migration'],
    ['a command in a listing of a terminal', block('console', '$ partywall doctor --jsn\nok'), '--jsn'],
    ['a flag in a sentence', 'Run `partywall verify --statik` now.', '--statik'],
    ['a script that does not exist', block('sh', 'npm run docs:chek'), 'there is no npm run docs:chek'],
    ['a language that no check knows', block('python', 'print(1)'), 'python'],
    ['a link to a file that does not exist', '[here](gone.md)', 'docs/page.md:1: dead link: gone.md'],
    ['a link to a heading that does not exist', '[here](verify.md#gone)', 'dead anchor'],
    ['an external link without https', '[here](http://example.com/a)', 'not a complete https link'],
  ])('finds %s', async (_what, markdown, fault) => {
    const faults = await faultsOf(markdown)
    expect(faults.join('\n')).toContain(fault)
  })

  it('is silent on a page without a fault', async () => {
    const page = [
      block(
        'ts',
        "import { runWithTenant } from 'partywall'\nawait runWithTenant({ tenantId, userId, roles }, () => wall.pool.query('select 1'))",
      ),
      block('sql', 'SELECT 1;'),
      block('sh', 'PARTYWALL_SEAL_SECRET=$NEW npx partywall migrate --rotate   # the newest two keys are valid'),
      block('sh', 'npm run docs -- --serve && npx --no-install partywall verify --migrations migrations/ > out.txt'),
      block('text', 'partywall verify: any output'),
      'Run `partywall plan`, `partywall protect --tenant-schemas` or `npm run docs`.',
      '[here](verify.md#a-first-run), [there](https://www.postgresql.org/docs/current/), [up](../README.md#quick-start)',
    ]
    expect(await faultsOf(page.join('\n'))).toEqual([])
  })

  it('counts a block that says why it is not checked, and a reason counts for its own block alone', async () => {
    const markdown = `<!-- docs-check: not checked: shows a fault on purpose -->\n\n${block('json', '{').slice(8)}\n${block('json', '{')}`
    const { faults, unchecked } = await checkDocuments(root, [{ path: 'docs/page.md', markdown }])
    expect(unchecked).toEqual([{ document: 'docs/page.md', line: 3, reason: 'shows a fault on purpose' }])
    expect(faults).toHaveLength(1)
  })

  it('compiles the quick start of README in a strict TypeScript project', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme).toContain('```js quick-start')
    expect(await faultsOf(readme, 'README.md')).toEqual([])
    expect(
      (await faultsOf(readme.replace("algorithms: ['ES256']", "algorithms: ['ES257']"), 'README.md')).join(),
    ).toContain('TS2820')
  })

  it('compares the code of a guide with the file that its test runs', async () => {
    const page = readFileSync(join(root, 'docs/guides/login.md'), 'utf8')
    expect(await faultsOf(page, 'docs/guides/login.md')).toEqual([])
    const changed = page.replace("t.status = 'active' and ", '')
    expect((await faultsOf(changed, 'docs/guides/login.md')).join()).toContain('the page is not tests/guides/login.ts')
    const shorter = page.replace('CREATE POLICY entry_read ON users', '-- ')
    expect((await faultsOf(shorter, 'docs/guides/login.md')).join()).toContain('the page is not tests/guides/login.sql')
  })

  it('reads every document of the repository', () => {
    const documents = documentsOf(root)
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/verify.md', 'docs/guides/incident.md']))
    expect(documents.length).toBeGreaterThan(150)
  })
})
