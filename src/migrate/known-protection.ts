import { createHash } from 'node:crypto'
import type pg from 'pg'
import {
  plainSchema,
  SEALED_FOR_DELETING,
  SEALED_FOR_WRITING,
  sealedRow,
  sealedRowBefore,
  sealedSchema,
} from '../seal/policy-text.ts'

/** What a recorded hash stands for: a policy for isolation, for the seal or for the level, or a function of schema partywall. */
type KnownPurpose = 'isolation' | 'seal' | 'level' | 'function'

/** A policy as the server prints it, with `search_path = pg_catalog, pg_temp`. */
interface PrintedPolicy {
  readonly permissive: boolean
  readonly command: string
  readonly using: string | null
  readonly check: string | null
  /** The only column of the table that the policy reads, quoted if necessary. Null if the policy reads several columns or none. */
  readonly column: string | null
}

/** The properties of a function that decide its results. `body` is the digest of {@link FUNCTION_BODY}. */
interface PrintedFunction {
  readonly name: string
  readonly owner: string
  readonly definer: boolean
  readonly settings: readonly string[]
  readonly body: string
}

/** SQL for a digest of the code of a function `f` (a row of pg_proc). It is used to record digests and to compare them. */
export const FUNCTION_BODY = `encode(sha256(convert_to(row((select l.lanname from pg_language l where l.oid = f.prolang), f.provolatile, f.proleakproof,
  f.prosrc, pg_get_function_sqlbody(f.oid))::text, 'UTF8')), 'hex')`

/** SQL for a digest of the definition of a view `c` (a row of pg_class). */
export const VIEW_BODY = `encode(sha256(convert_to(pg_get_viewdef(c.oid), 'UTF8')), 'hex')`

/**
 * Returns the policy's text without the name of its tenant column and without its tenant's mark (see {@link MARK}). So policies of tables
 * with different tenant columns, and of schemas of different tenants, can be compared.
 */
export function policyText({ permissive, command, using, check, column }: PrintedPolicy): string {
  const plain = (expression: string | null) => withoutMark(withoutColumn(expression, column))
  return JSON.stringify([permissive, command, plain(using), plain(check)])
}

/** A tenant's mark: SHA-256 of the tenant's id in hex digits. Policies in a tenant's own schema contain the mark in place of the id. */
const MARK = /'[0-9a-f]{64}'/g

function withoutMark(expression: string | null): string | null {
  return expression?.replace(MARK, "'{mark}'") ?? null
}

/** Returns the marks in a policy. A policy in a tenant's own schema usually has one, any other policy has none. */
export function marksOf({ using, check }: Pick<PrintedPolicy, 'using' | 'check'>): readonly string[] {
  return [...new Set(`${using ?? ''} ${check ?? ''}`.match(MARK))]
}

export function functionText({ name, owner, definer, settings, body }: PrintedFunction): string {
  return JSON.stringify([name, owner, definer, settings, body])
}

export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

// When the server prints a sub-select, it adds the name of the called function as an alias, such as `AS tenant_id` for
// `partywall.tenant_id()`. WORD matches `AS` together with the alias, because the alias is no column of the table.
const WORD =
  /AS (?:"(?:[^"]|"")*"|\w+)|"(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff.]*|[\s\S]/g

/** Replaces the column's name where it is a whole word. Strings, and longer names that contain it, stay unchanged. */
function withoutColumn(expression: string | null, column: string | null): string | null {
  if (expression === null || column === null) return expression
  return expression.replace(WORD, (word) => (word === column ? '{column}' : word))
}

const ANY_MARK = '0'.repeat(64)

/** Types that tenant columns usually have. The types of all columns `tenant_id` of this database are added. */
const TYPES = ['uuid', 'bigint', 'integer', 'smallint', 'text', 'character varying']
const SCRATCH = 'partywall.known_protection_scratch'

/** The policies that this release and the previous one write for tenant tables: purpose, kind and verb, USING and WITH CHECK. */
function policiesOf(type: string): readonly (readonly [KnownPurpose, string, string])[] {
  const cast = type === 'text' ? '' : `::${type}`
  const isolation = `tenant_column = (select nullif(current_setting('app.current_tenant_id', true), '')${cast})`
  const seal = sealedRow('tenant_column', type)
  const sealBefore = sealedRowBefore('tenant_column', type)
  const [plainMark, sealedMark] = [plainSchema(ANY_MARK), sealedSchema(ANY_MARK)]
  return [
    ['isolation', 'as permissive for all', `using (${isolation}) with check (${isolation})`],
    ['seal', 'as restrictive for all', `using (${seal}) with check (${seal})`],
    ['seal', 'as restrictive for all', `using (${sealBefore}) with check (${sealBefore})`],
    ['level', 'as restrictive for all', `with check (${SEALED_FOR_WRITING})`],
    ['level', 'as restrictive for delete', `using (${SEALED_FOR_DELETING})`],
    ['level', 'as restrictive for delete', "using ((select partywall.role_at_least('tenant_admin')))"],
    ['isolation', 'as permissive for all', `using (${plainMark}) with check (${plainMark})`],
    ['seal', 'as restrictive for all', `using (${sealedMark}) with check (${sealedMark})`],
  ]
}

/**
 * Stores the hashes of the policies and functions that partywall writes, in the form in which this server prints them. Runs inside the
 * caller's transaction.
 *
 * @returns how many hashes were new
 */
export async function recordKnownProtection(client: Pick<pg.ClientBase, 'query'>): Promise<number> {
  await client.query('set local search_path = pg_catalog, pg_temp')
  const { rows: columns } = await client.query(`
    select distinct format_type(a.atttypid, null) as type from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname = 'tenant_id' and c.relkind in ('r', 'p') and not a.attisdropped`)
  const types = new Set([...TYPES, ...columns.map((row: { type: string }) => row.type)])
  const known: (readonly [KnownPurpose, string])[] = []
  for (const type of types) known.push(...(await printedPolicies(client, type)))
  const { rows: functions } = await client.query(`
    select f.oid::regprocedure::text as name, pg_get_userbyid(f.proowner) as owner, f.prosecdef as definer,
           coalesce(f.proconfig, '{}') as settings, ${FUNCTION_BODY} as body
      from pg_proc f where f.pronamespace = 'partywall'::regnamespace
    union all
    select c.oid::regclass::text, pg_get_userbyid(c.relowner), true, coalesce(c.reloptions, '{}'), ${VIEW_BODY}
      from pg_class c where c.relnamespace = 'partywall'::regnamespace and c.relkind = 'v'`)
  for (const each of functions) known.push(['function', textHash(functionText(each))])
  const { rowCount } = await client.query(
    `insert into partywall.known_protection (purpose, hash)
     select * from unnest($1::text[], $2::text[]) on conflict do nothing`,
    [known.map(([purpose]) => purpose), known.map(([, hash]) => hash)],
  )
  return rowCount ?? 0
}

/**
 * Lets the server print the policies, by creating them on a table that is rolled back at once. Empty for a type whose values can't be
 * compared.
 */
async function printedPolicies(client: Pick<pg.ClientBase, 'query'>, type: string) {
  const known: (readonly [KnownPurpose, string])[] = []
  await client.query('savepoint printed')
  try {
    await client.query(`create table ${SCRATCH} (tenant_column ${type})`)
    const written = policiesOf(type)
    for (const [place, [, kind, clauses]] of written.entries()) {
      await client.query(`create policy policy_${place} on ${SCRATCH} ${kind} ${clauses}`)
    }
    const { rows } = await client.query(`
      select p.polpermissive as permissive, p.polcmd as command, pg_get_expr(p.polqual, p.polrelid) as using,
             pg_get_expr(p.polwithcheck, p.polrelid) as check
        from pg_policy p where p.polrelid = '${SCRATCH}'::regclass order by p.polname`)
    for (const [place, [purpose]] of written.entries()) {
      // Policies for the level read no column, and neither do policies in a tenant's own schema.
      const column = purpose === 'level' || marksOf(rows[place]).length > 0 ? null : 'tenant_column'
      known.push([purpose, textHash(policyText({ ...rows[place], column }))])
    }
  } catch {
    // The type has no operator =, or this role may not use the type. So no such policy exists for the type.
    known.length = 0
  }
  await client.query('rollback to savepoint printed')
  return known
}
