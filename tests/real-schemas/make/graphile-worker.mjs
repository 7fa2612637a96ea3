import { runMigrations } from 'graphile-worker'
import { grantAll, makeExample } from './example.mjs'

await makeExample()
await runMigrations({ connectionString: process.env.DATABASE_URL })
await grantAll('graphile_worker', 'tenant_user')
process.exit(0)
