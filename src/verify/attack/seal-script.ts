/** A context without its seal, and SQL that makes the seal again. */
interface SealedContext {
  readonly seal: readonly string[]
  readonly rest: string
}

const SEAL =
  /select pg_catalog\.set_config\('app\.tenant_seal', '([0-9a-f]{64})v1.{8}([12])([rw])p\d{10}((?:[^']|'')+)', true\);/

/**
 * A seal is valid on one connection and for an hour, and its secret must not be in a report. The script therefore makes its own seal from
 * the key in the database, which a superuser can read. Returns undefined if the context contains a seal of another form.
 *
 * @see migrations/partywall/0001_seal.sql for the form
 */
export function splitSeal(context: string): SealedContext | undefined {
  const found = SEAL.exec(context)
  if (found === null) return context.includes('app.tenant_seal') ? undefined : { seal: [], rest: context }
  const [whole, , level, mode, subject] = found
  return {
    seal: [
      '-- The context is sealed. An application makes the seal with its secret. Here a superuser makes one with the key in the database; the key below',
      '-- serves if the database has none, and is rolled back.',
      `INSERT INTO partywall.seal_keys (key_id, inner_pad, outer_pad) SELECT '00000001', decode(repeat('36', 64), 'hex'), decode(repeat('5c', 64), 'hex') WHERE NOT EXISTS (SELECT FROM partywall.seal_keys);`,
      `SELECT set_config('app.tenant_seal', encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(concat(b.body, '|', pg_backend_pid(), '|', current_database()), 'UTF8'))), 'hex') || b.body, true) IS NOT NULL AS sealed
  FROM (SELECT * FROM partywall.seal_keys ORDER BY added_at DESC LIMIT 1) AS k
  CROSS JOIN LATERAL (SELECT concat('v1', k.key_id, '${level}${mode}p', floor(extract(epoch FROM now()) + 3600)::bigint, '${subject}') AS body) AS b;`,
    ],
    rest: context.replace(whole, ''),
  }
}
