// The example's schema with partywall's own objects: what the packages live beside.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const path = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url))

export async function makeExample() {
  execFileSync(process.execPath, [path('dist/cli/main.js'), 'migrate', '--database-url', process.env.DATABASE_URL])
  for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql']) {
    await run(readFileSync(path(`migrations/${file}`), 'utf8'))
  }
}

export async function run(sql) {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** What an application needs of a package's schema: to use it. */
export async function grantAll(schema, role) {
  await run(`grant usage on schema ${schema} to ${role};
    grant select, insert, update, delete on all tables in schema ${schema} to ${role};
    grant usage, select on all sequences in schema ${schema} to ${role}`)
}
