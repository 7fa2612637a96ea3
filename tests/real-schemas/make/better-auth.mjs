// better-auth with organizations: the organization is the tenant, and nothing keeps its rows apart but the application.
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { organization } from 'better-auth/plugins'
import pg from 'pg'
import { grantAll, run } from './example.mjs'

const database = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const plugins = [organization({ teams: { enabled: true } })]
const auth = betterAuth({ database, secret: 'x'.repeat(32), baseURL: 'http://localhost', plugins })
const { runMigrations } = await getMigrations(auth.options)
await runMigrations()
await database.end()
await run('create role auth_app login')
await grantAll('public', 'auth_app')
process.exit(0)
