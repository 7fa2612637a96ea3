import { randomBytes } from 'node:crypto'
import { parseEnv } from 'node:util'
import type { Queryable } from '../../catalog/model.ts'
import { migrate } from '../../migrate/migrate.ts'
import type { PlannedFile } from '../plan/init-plan.ts'
import type { InitPlan } from '../plan/make-plan.ts'
import type { ProjectFiles } from '../project-files.ts'
import { APP_URL, ENTRY_URL, SEAL_SECRET } from '../writers/names.ts'
import { createLogins, dropLogins, makePasswords } from './logins.ts'
import { givePublicRights, type PublicRight, publicRights } from './public-rights.ts'
import { type InitRecord, writeRecord } from './record.ts'
import { undoFiles } from './undo-files.ts'
import { writeFiles } from './write-files.ts'

interface ApplyInput {
  readonly root: string
  readonly files: ProjectFiles
  readonly databaseUrl: string
  /** The migration role's connection, in no transaction. */
  readonly client: Queryable
  readonly onProgress: (line: string) => void
}

/**
 * Does what the plan says: logins, partywall's own objects, files. After an error everything is taken back, in the opposite order.
 *
 * @throws the first error; the database and all files are then as they were
 */
export async function applyPlan(plan: InitPlan, input: ApplyInput): Promise<InitRecord> {
  const { root, client, databaseUrl, onProgress } = input
  const undo: (() => Promise<void>)[] = []
  try {
    const madeSchema = !(await hasSchema(client))
    const rights = madeSchema ? await publicRights(client) : []
    const passwords = makePasswords()
    await createLogins(client, plan.logins, passwords)
    undo.push(() => dropLogins(client, [plan.logins.app, plan.logins.entry]))
    onProgress(`made the logins ${plan.logins.app} and ${plan.logins.entry}`)

    const known = parseEnv(input.files.read('.env') ?? '')[SEAL_SECRET]
    const secret = known ?? randomBytes(32).toString('hex')
    if (madeSchema) undo.push(() => dropSchema(client, rights))
    await migrate({ databaseUrl, sealSecret: secret })
    onProgress("made partywall's own objects (schema partywall)")

    const values = {
      ...Object.fromEntries(plan.ownerUrl.names.map((name) => [name, databaseUrl])),
      [APP_URL]: urlAs(databaseUrl, plan.logins.app, passwords.app),
      [ENTRY_URL]: urlAs(databaseUrl, plan.logins.entry, passwords.entry),
      ...(known === undefined ? { [SEAL_SECRET]: secret } : {}),
    }
    const files = await writeFiles(root, [...plan.files, secretsFile(values, plan.ownerUrl.replaced)])
    const { app, entry } = plan.logins
    const record: InitRecord = {
      version: 1,
      ...files,
      database: { name: plan.database, roles: [app, entry], madeSchema, publicRights: [...rights] },
    }
    undo.push(async () => {
      await undoFiles(root, record)
    })
    await writeRecord(root, record)
    return record
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

async function hasSchema(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("select to_regnamespace('partywall') is not null as there")
  return rows[0]?.there === true
}

/**
 * Drops partywall's own objects, and with them every policy that uses them: call it only if no table is protected.
 *
 * @param rights the rights that PUBLIC had before the schema was made, and that it gets again
 */
export async function dropSchema(client: Queryable, rights: readonly PublicRight[]): Promise<void> {
  await client.query('drop schema if exists partywall cascade')
  // Default privileges belong to the database, and would keep the role partywall_owner from being dropped.
  const { rows } = await client.query(
    `select from pg_catalog.pg_default_acl d join pg_catalog.pg_roles r on r.oid = d.defaclrole where r.rolname = 'partywall_owner'`,
  )
  if (rows.length > 0)
    await client.query('alter default privileges for role partywall_owner grant execute on functions to public')
  await givePublicRights(client, rights)
}

function secretsFile(values: Readonly<Record<string, string>>, replaced: readonly string[]): PlannedFile {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quoted(value)}`)
  const block = `\n# partywall: made by partywall init\n${lines.join('\n')}\n`
  const why = 'the new logins and the secret of the seal'
  return { kind: 'append', path: '.env', block, secret: true, replaced, why }
}

/** A `#` in a value begins a comment, unless the value is quoted. */
function quoted(value: string): string {
  return value.includes('#') ? `'${value}'` : value
}

function urlAs(databaseUrl: string, user: string, password: string): string {
  const url = new URL(databaseUrl)
  url.username = user
  url.password = password
  return url.href
}
