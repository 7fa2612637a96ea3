import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { makeExample, run } from './example.mjs'

await makeExample()
await run(readFileSync(createRequire(import.meta.url).resolve('connect-pg-simple/table.sql'), 'utf8'))
await run('grant select, insert, update, delete on session to tenant_user')
