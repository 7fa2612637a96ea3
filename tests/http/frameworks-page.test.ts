// The examples of docs/frameworks.md, run as printed.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { freePort } from '../../src/embedded/free-port.ts'
import { startKitIssuer } from '../../src/testing/test-issuer.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'

const LINES_AT_MOST = 13

const WALL = `import { createPartywall } from 'partywall'
const { DATABASE_URL, ISSUER: issuer, JWKS_URL: jwksUrl, AUDIENCE: audience, SECRET: secret } = process.env
const tenantClaims = { tenant: 'org_id', roles: 'roles' }
const auth = { issuer, keys: { jwksUrl }, algorithms: ['ES256'], audience, tenantClaims }
const access = { roles: { owner: ['documents:*'] } }
export const wall = createPartywall({ database: { url: DATABASE_URL }, auth, seal: { secret }, access })
`

describe('docs/frameworks.md', () => {
  let page: string
  let database: TestDatabase
  let tenants: readonly TestTenant[]
  let issuer: Awaited<ReturnType<typeof startKitIssuer>>

  beforeAll(async () => {
    page = await readFile(join(packageRoot(), 'docs', 'frameworks.md'), 'utf8')
    database = await createTestDatabase()
    tenants = [await createTestTenant(database), await createTestTenant(database)]
    issuer = await startKitIssuer()
    return () => issuer.close()
  })

  function start(folder: string, port: number): ChildProcess {
    const { appUrl, sealSecret } = database
    const names = { DATABASE_URL: appUrl, ISSUER: issuer.issuer, JWKS_URL: issuer.jwksUrl, AUDIENCE: issuer.audience }
    const env = { ...process.env, ...names, SECRET: sealSecret, PORT: String(port) }
    return spawn(process.execPath, [join(folder, 'app.js')], { stdio: ['ignore', 'ignore', 'pipe'], env })
  }

  it.each(['fastify', 'koa', 'hono', 'node', 'fetch'])('serves each tenant its own documents by %s', async (name) => {
    const code = new RegExp(`\`\`\`js framework ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''
    expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(LINES_AT_MOST)
    const folder = join(packageRoot(), '.partywall', `framework-${name}-${process.pid}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'wall.js'), WALL)
    await writeFile(join(folder, 'app.js'), code)
    const port = await freePort()
    const child = start(folder, port)
    let complaints = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      complaints += chunk.toString()
    })
    try {
      const ask = async (token: string) => {
        for (let attempt = 0; attempt < 100; attempt++) {
          try {
            const headers = { authorization: `Bearer ${token}` }
            return await fetch(`http://127.0.0.1:${port}/documents`, { headers })
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 100)) // it is still starting
          }
        }
        throw new Error(`${name} does not answer: ${complaints}`)
      }
      for (const tenant of tenants) {
        const claims = { sub: tenant.userId, org_id: tenant.key }
        const answer = await ask(await issuer.sign({ ...claims, roles: ['owner'] }))
        expect(await answer.json(), complaints).toEqual([{ id: tenant.documentId, title: 'First document' }])
        expect((await ask(await issuer.sign({ ...claims, roles: ['guest'] }))).status).toBe(403)
      }
      expect((await ask('nonsense')).status).toBe(401)
    } finally {
      child.kill()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
