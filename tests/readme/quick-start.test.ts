// The quick start of README, run as printed.
import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { freePort } from '../../src/embedded/free-port.ts'
import { startKitIssuer } from '../../src/testing/test-issuer.ts'
import { createTestDatabase, createTestTenant } from '../setup/database.ts'

const LINES_AT_MOST = 15

it('has at most 15 lines and answers each tenant with its own documents', async () => {
  const readme = await readFile(join(packageRoot(), 'README.md'), 'utf8')
  const code = /```js quick-start\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(LINES_AT_MOST)

  const database = await createTestDatabase()
  const tenants = [await createTestTenant(database), await createTestTenant(database)]
  const issuer = await startKitIssuer()
  const folder = join(packageRoot(), '.partywall', `quick-start-${process.pid}`)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'app.mjs')
  await writeFile(file, code)
  const port = await freePort()
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: database.appUrl,
      ISSUER: issuer.issuer,
      JWKS_URL: issuer.jwksUrl,
      AUDIENCE: issuer.audience,
      PARTYWALL_SEAL_SECRET: database.sealSecret,
      PORT: String(port),
    },
  })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  try {
    const ask = async (token: string) => {
      for (let attempt = 0; attempt < 100; attempt++) {
        try {
          return await fetch(`http://127.0.0.1:${port}/documents`, { headers: { authorization: `Bearer ${token}` } })
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 100)) // it is still starting
        }
      }
      throw new Error(`the quick start does not answer: ${complaints}`)
    }
    for (const tenant of tenants) {
      const token = await issuer.sign({ sub: tenant.userId, org_id: tenant.key, roles: ['owner'] })
      const answer = await ask(token)
      expect(await answer.json(), complaints).toEqual([{ id: tenant.documentId, title: 'First document' }])
    }
    expect((await ask('nonsense')).status).toBe(401)
  } finally {
    child.kill()
    await rm(folder, { recursive: true, force: true })
    await issuer.close()
  }
})
