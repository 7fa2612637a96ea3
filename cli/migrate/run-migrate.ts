import { migrate } from '../../src/migrate/migrate.ts'
import { readOwnMigrations } from '../../src/migrate/own-migrations.ts'
import { projectDatabaseUrl } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'

export interface MigrateFlags {
  readonly databaseUrl?: string
  readonly print?: boolean
  readonly sealSecretEnv: string
  readonly rotate?: boolean
  readonly json?: boolean
}

/** Runs `partywall migrate` with the flags of the command line. */
export async function runMigrate(flags: MigrateFlags): Promise<void> {
  if (flags.print === true) {
    for (const file of await readOwnMigrations()) console.log(`-- ${file.name}\n${file.sql}`)
    return
  }
  const databaseUrl = await projectDatabaseUrl(flags.databaseUrl) // reads the envFile, which may hold the secret too
  const sealSecret = environment(flags.sealSecretEnv)
  const result = await migrate({
    databaseUrl,
    sealSecret,
    rotate: flags.rotate,
    onProgress: (line) => console.error(line),
  })
  if (flags.json === true) {
    console.log(JSON.stringify(result))
    return
  }
  const files = result.applied.length
  console.log(files === 0 ? 'Nothing to apply: up to date.' : `${files} file${files === 1 ? '' : 's'} applied.`)
  if (sealSecret === undefined) {
    console.log(`No seal key was added: ${flags.sealSecretEnv} is not set. Sealed contexts need one.`)
  }
}
