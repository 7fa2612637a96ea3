import { connect } from '../../src/verify/connect.ts'
import type { PreparedSource } from '../../src/verify/sources/prepared-source.ts'
import type { VerifySettings } from './verify-settings.ts'

/** The schemas to look at, and what the report says about those that are missing. */
interface ChosenSchemas {
  readonly schemas: readonly string[] | undefined
  readonly notes: readonly string[]
}

/**
 * Leaves out schemas of the file of settings that the source of `--migrations` or `--run` does not make: the file names the schemas of the
 * application's database, and some of those are made by a migration tool and not by its migrations. A schema of `--schema` stays, and so does
 * the list if the source makes none of its schemas: verify then reports which is missing.
 */
export async function existingSchemas(
  { schema, schemaFromFile, databaseUrl }: VerifySettings,
  source: Pick<PreparedSource, 'url'>,
  signal: AbortSignal,
): Promise<ChosenSchemas> {
  if (schema === undefined || schemaFromFile !== true || databaseUrl !== undefined)
    return { schemas: schema, notes: [] }
  const client = await connect(source.url, signal)
  try {
    const { rows } = await client.query<{ name: string }>(
      'select nspname as name from pg_catalog.pg_namespace where nspname = any($1)',
      [schema],
    )
    const there = new Set(rows.map(({ name }) => name))
    const missing = schema.filter((name) => !there.has(name))
    if (missing.length === 0 || missing.length === schema.length) return { schemas: schema, notes: [] }
    const [noun, verb] = missing.length === 1 ? ['schema', 'is'] : ['schemas', 'are']
    return {
      schemas: schema.filter((name) => there.has(name)),
      notes: [
        `the ${noun} ${missing.join(', ')} of the configuration ${verb} not made by this source, so nothing was looked at there`,
      ],
    }
  } finally {
    await client.end()
  }
}
