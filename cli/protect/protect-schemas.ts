import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { z } from 'zod'
import { ConfigurationError } from '../../src/errors.ts'
import { type TenantSchemaOptions, tenantSchemaScript } from '../../src/protect/tenant-schemas.ts'

/** `partywall protect --tenant-schemas … | --template …`: prints one call for the schema of each tenant. */
export async function protectSchemas(
  databaseUrl: string,
  options: Omit<TenantSchemaOptions, 'tenants'> & { readonly tenantMap?: string | undefined },
): Promise<void> {
  const tenants = options.tenantMap === undefined ? undefined : await readMap(options.tenantMap)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('begin read only')
    const db = { query: (text: string) => client.query(text) }
    const { sql, schemas, undecided } = await tenantSchemaScript(db, { ...options, tenants })
    process.stdout.write(sql)
    const left =
      undecided.length === 0
        ? ''
        : `; for ${undecided.length} of them the tenant is not known: give --tenant-table or --tenant-map`
    console.error(`${schemas} schemas of tenants${left}.`)
  } finally {
    await client.end()
  }
}

async function readMap(path: string): Promise<ReadonlyMap<string, string>> {
  try {
    return new Map(Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(await readFile(path, 'utf8')))))
  } catch (cause) {
    throw new ConfigurationError(`--tenant-map ${path} is no JSON object of schema and tenant.`, { cause })
  }
}
