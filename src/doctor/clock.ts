import pg from 'pg'
import { type DoctorLine, type DoctorSettings, error, ok, warning } from './doctor-line.ts'

/** A seal is valid for 60 seconds and is renewed after 30, so with this difference the database may treat new seals as expired. */
const ERROR_SECONDS = 25
const WARNING_SECONDS = 5

/** Compares the clock of this machine with the database's clock, because seals and tokens contain times. */
export async function examineClock({ databaseUrl }: DoctorSettings): Promise<readonly DoctorLine[]> {
  if (databaseUrl === undefined) return []
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // the statement gets the error too
  try {
    await client.connect()
    const before = Date.now()
    const { rows } = await client.query<{ now: string }>(
      'select extract(epoch from pg_catalog.clock_timestamp())::text as now',
    )
    const here = (before + Date.now()) / 2 / 1000
    const apart = Math.abs(Number(rows[0]?.now) - here)
    const sentence = `The clocks of this machine and of PostgreSQL differ by ${apart.toFixed(1)} seconds.`
    const fix = 'Synchronise both clocks with NTP (chrony or systemd-timesyncd).'
    if (apart >= ERROR_SECONDS) return [error('clocks', sentence, fix)]
    return [apart >= WARNING_SECONDS ? warning('clocks', sentence, fix) : ok('clocks', sentence)]
  } catch {
    return [] // examineDatabase() reports the error
  } finally {
    await client.end().catch(() => {}) // the connection may never have opened
  }
}
