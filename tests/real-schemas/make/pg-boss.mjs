import PgBoss from 'pg-boss'
import { grantAll, makeExample } from './example.mjs'

await makeExample()
const boss = new PgBoss(process.env.DATABASE_URL)
await boss.start()
await boss.createQueue('mails')
await boss.stop({ graceful: false, wait: true })
await grantAll('pgboss', 'tenant_user')
process.exit(0)
