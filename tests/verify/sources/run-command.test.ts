import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openThrowAwayServer, type ThrowAwayServer } from '../../../src/embedded/throw-away-server.ts'
import type { PreparedSource } from '../../../src/verify/sources/prepared-source.ts'
import { runCommand } from '../../../src/verify/sources/run-command.ts'

let server: ThrowAwayServer
const open: PreparedSource[] = []

beforeAll(async () => {
  server = await openThrowAwayServer(inject('postgres').url, { external: true, end: async () => {} })
})

afterAll(async () => {
  for (const source of open) await source.close()
})

/** A command that runs SQL with the connection it was given. */
function sqlCommand(sql: string): string {
  const script = `
    const pg = require('pg');
    (async () => {
      const byUrl = new pg.Client({ connectionString: process.env.DATABASE_URL });
      await byUrl.connect(); await byUrl.query(process.argv[1]); await byUrl.end();
      const byVariables = new pg.Client();
      await byVariables.connect(); await byVariables.query('create table if not exists by_variables ()'); await byVariables.end();
    })().catch((error) => { console.error(error.message); process.exit(3); })`
  const encoded = Buffer.from(script).toString('base64')
  return `"${process.execPath}" -e "eval(Buffer.from('${encoded}', 'base64').toString())" "${sql}"`
}

const environment = { PATH: process.env['PATH'] }

describe('runCommand', () => {
  it('gives the command a fresh database by DATABASE_URL and by PG variables', async () => {
    const source = await runCommand({ command: sqlCommand('create table made ()'), environment, server })
    open.push(source)
    const client = new pg.Client({ connectionString: source.url })
    await client.connect()
    const { rows } = await client.query("select to_regclass('made') as made, to_regclass('by_variables') as other")
    await client.end()
    expect(rows).toEqual([{ made: 'made', other: 'by_variables' }])
    expect(source.sealSecret).toBeUndefined()
  })

  it("runs once more on a database with partywall's own objects where the command misses them", async () => {
    const command = sqlCommand('create table made (t text default partywall.tenant_id())')
    const source = await runCommand({ command, environment, server })
    open.push(source)
    expect(source.sealSecret).toBeDefined()
    expect(source.notes.join('\n')).toContain("partywall's own migrations first")
  })

  it.each([
    'relation "partywall.ticket" does not exist',
    'function partywall.tenant_id() does not exist',
    'error: schema "partywall" does not exist',
    '{"message":"type \\"partywall.level\\" does not exist"}',
    'role "tenant_user" does not exist',
  ])('takes «%s» for objects of partywall that are missing', async (output) => {
    const encoded = Buffer.from(output).toString('base64')
    const command = `"${process.execPath}" -e "console.log(Buffer.from('${encoded}', 'base64').toString()); process.exit(1)"`
    const lines: string[] = []
    const onProgress = (line: string) => lines.push(line)
    await expect(runCommand({ command, environment, server, onProgress })).rejects.toThrow('ended with exit code 1')
    expect(lines.join('\n')).toContain("the command needs partywall's own objects")
  })

  it('does not run a command again that misses objects of its own, and says whose server it used', async () => {
    const lines: string[] = []
    const onProgress = (line: string) => lines.push(line)
    await expect(
      runCommand({ command: sqlCommand('select * from nowhere'), environment, server, onProgress }),
    ).rejects.toThrow('relation')
    expect(lines[0]).toMatch(/^making a database on the server of PARTYWALL_POSTGRES_URL for the command /)
    expect(lines.join('\n')).not.toContain("partywall's own objects")
    expect(open[0]?.notes[0]).toMatch(/^PostgreSQL \d+ of PARTYWALL_POSTGRES_URL, in a database made for this run$/)
  })

  it('leads a tool that reads its own variables away from the database that the project’s .env names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partywall-run-'))
    const live = await server.createDatabase()
    try {
      await writeFile(
        join(folder, '.env'),
        `CRM_HOST=127.0.0.1\nCRM_USER=postgres\nCRM_DATABASE=${live}\nCRM_LINK=${server.url(live)}\n`,
      )
      // As dotenv does: a variable that is set already wins.
      const script = `
        const pg = require('pg');
        const env = { ...require('util').parseEnv(require('fs').readFileSync('.env', 'utf8')), ...process.env };
        (async () => {
          for (const [table, settings] of [['by_parts', { host: env.CRM_HOST, port: env.CRM_PORT, user: env.CRM_USER, password: env.CRM_PASSWORD, database: env.CRM_DATABASE }], ['by_link', { connectionString: env.CRM_LINK }]]) {
            const client = new pg.Client(settings);
            await client.connect(); await client.query('create table ' + table + ' ()'); await client.end();
          }
        })().catch((error) => { console.error(error.message); process.exit(3); })`
      const encoded = Buffer.from(script).toString('base64')
      const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
      const command = `"${process.execPath}" -e "eval(Buffer.from('${encoded}', 'base64').toString())"`
      const source = await runCommand({ command, environment: { ...environment, NODE_PATH: modules }, server, folder })
      open.push(source)
      expect(await tablesOf(source.url)).toEqual(['by_link', 'by_parts'])
      expect(await tablesOf(server.url(live))).toEqual([])
    } finally {
      await server.dropDatabase(live)
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('refuses a command that made nothing: it may have changed another database', async () => {
    const { made, recording } = recordingServer()
    await expect(runCommand({ command: `"${process.execPath}" -e 0`, environment, server: recording })).rejects.toThrow(
      /made no table in the database of this run[\s\S]*it has changed another database/,
    )
    expect(made).toHaveLength(1)
    expect(await databases()).not.toContain(made[0])
  })

  it('tells the exit code and the output of a command that fails, and leaves no database', async () => {
    const { made, recording } = recordingServer()
    await expect(
      runCommand({ command: sqlCommand('select nothing'), environment, server: recording }),
    ).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      message: expect.stringMatching(/exit code 3[\s\S]*column .*nothing.* does not exist/),
    })
    expect(made).toHaveLength(1)
    expect(await databases()).not.toContain(made[0])
  })

  it('ends the command when it is aborted', async () => {
    const stop = new AbortController()
    const command = `"${process.execPath}" -e "setInterval(() => {}, 1000)"`
    const running = runCommand({
      command,
      environment,
      server,
      signal: stop.signal,
      onProgress: () => setTimeout(() => stop.abort(new Error('interrupted')), 300),
    })
    await expect(running).rejects.toThrow('interrupted')
  })
})

/** The server of the tests, and the names of the databases that are made on it by this object. */
function recordingServer(): { readonly made: readonly string[]; readonly recording: ThrowAwayServer } {
  const made: string[] = []
  const recording: ThrowAwayServer = {
    ...server,
    async createDatabase(options) {
      const name = await server.createDatabase(options)
      made.push(name)
      return name
    },
  }
  return { made, recording }
}

async function tablesOf(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1",
  )
  await client.end()
  return rows.map(({ name }) => name)
}

async function databases(): Promise<string[]> {
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
  await client.end()
  return rows.map((row) => row.datname)
}
