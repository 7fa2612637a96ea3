import { Command } from 'commander'
import { migrate } from '../src/migrate/migrate.ts'
import { readOwnMigrations } from '../src/migrate/own-migrations.ts'
import { databaseUrlFrom } from './database-url.ts'

interface MigrateFlags {
  readonly databaseUrl?: string
  readonly print?: boolean
  readonly sealSecretEnv: string
  readonly rotate?: boolean
  readonly json?: boolean
}

/** `partywall migrate`: applies partywall's own migrations, each once. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description("Applies partywall's own objects (schema partywall: seal, directory, crossings, audit) to a database.")
    .option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL)')
    .option('--print', 'print the SQL and change nothing')
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--rotate', 'add the key of a new secret; the previous key stays valid until the next rotation')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nTo change the secret, run the command with the new secret and --rotate. Both keys stay valid until the next rotation.',
    )
    .action(run)
}

async function run(flags: MigrateFlags): Promise<void> {
  if (flags.print === true) {
    for (const file of await readOwnMigrations()) console.log(`-- ${file.name}\n${file.sql}`)
    return
  }
  const databaseUrl = databaseUrlFrom(flags.databaseUrl)
  const sealSecret = process.env[flags.sealSecretEnv]
  const result = await migrate({
    databaseUrl,
    sealSecret: sealSecret === '' ? undefined : sealSecret,
    rotate: flags.rotate,
    onProgress: (line) => console.error(line),
  })
  if (flags.json === true) {
    console.log(JSON.stringify(result))
    return
  }
  const files = result.applied.length
  console.log(files === 0 ? 'Nothing to apply: up to date.' : `${files} file${files === 1 ? '' : 's'} applied.`)
  if (sealSecret === undefined || sealSecret === '') {
    console.log(`No seal key was added: ${flags.sealSecretEnv} is not set. Sealed contexts need one.`)
  }
}
