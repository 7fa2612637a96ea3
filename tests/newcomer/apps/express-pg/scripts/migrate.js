import 'dotenv/config'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'

// Runs every migrations/*.sql that has not run yet, in order, each in its own transaction.
const dir = new URL('../migrations/', import.meta.url)
const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
await client.query('create table if not exists schema_migrations (name text primary key, applied_at timestamptz default now())')
const { rows } = await client.query('select name from schema_migrations')
const done = new Set(rows.map((r) => r.name))

for (const name of (await readdir(dir)).filter((f) => f.endsWith('.sql')).sort()) {
  if (done.has(name)) continue
  const sql = await readFile(new URL(name, dir), 'utf8')
  try {
    await client.query('begin')
    await client.query(sql)
    await client.query('insert into schema_migrations (name) values ($1)', [name])
    await client.query('commit')
    console.log('applied', name)
  } catch (err) {
    await client.query('rollback')
    console.error('failed', name)
    throw err
  }
}
await client.end()
