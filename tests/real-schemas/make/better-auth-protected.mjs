// better-auth with organizations once more, mended by what `partywall protect` writes for it, as its users would: the
// application's own login uses the organization's tables; better-auth keeps users, accounts and sessions to its login.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { organization } from 'better-auth/plugins'
import pg from 'pg'
import { splitStatements } from '../../../dist/src/verify/sources/split-statements.js'
import { run } from './example.mjs'

const TABLES = ['invitation', 'member', 'team', '"teamMember"']
const database = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const plugins = [organization({ teams: { enabled: true } })]
const auth = betterAuth({ database, secret: 'x'.repeat(32), baseURL: 'http://localhost', plugins })
const { runMigrations } = await getMigrations(auth.options)
await runMigrations()
await database.end()
await run(`create role organization_app login; create role auth_owner;
  grant usage on schema public to organization_app; grant select on organization to organization_app;
  grant select, insert, update, delete on ${TABLES.join(', ')} to organization_app;
  do $$ declare t text; begin for t in select oid::regclass from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    loop execute format('alter table %s owner to auth_owner', t); end loop; end $$;
  do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`)
const program = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'partywall-real-'))
try {
  const flags = ['--database-url', process.env.DATABASE_URL, '--app-role', 'organization_app', '--out', out]
  execFileSync(process.execPath, [program, 'protect', ...flags], { stdio: ['ignore', 2, 2] })
  const files = readdirSync(out).filter((name) => name.endsWith('.sql') && !/down/.test(name))
  // One statement at a time, as psql does: a backfill commits its batches.
  for (const name of files.sort())
    for (const { text } of splitStatements(readFileSync(join(out, name), 'utf8')).statements) await run(text)
} finally {
  rmSync(out, { recursive: true, force: true })
}
// What the migration leaves to a person: a key that is unique over all tenants becomes one of each tenant.
await run(`alter table "teamMember" drop constraint "teamMember_membershipKey_key",
  add constraint "teamMember_membershipKey_key" unique ("organizationId", "membershipKey")`)
process.exit(0)
