/** The result of one check. */
export interface DoctorLine {
  /** What was checked: `Node.js`, `PostgreSQL`, `pooler`, `seal`, `identity provider`, `Redis`, `project` and others. */
  readonly area: string
  /** `skipped`: nothing was configured to look at; `sentence` names the setting. */
  readonly verdict: 'ok' | 'warning' | 'error' | 'skipped'
  readonly sentence: string
  /** SQL, a command or a setting that fixes the problem. */
  readonly fix?: string
}

/** Settings of the doctor. A check whose setting is undefined is skipped. */
export interface DoctorSettings {
  /** URL of the application's login. */
  readonly databaseUrl: string | undefined
  /** The variable or option that holds the URL, for messages; default `DATABASE_URL`. */
  readonly databaseUrlName?: string | undefined
  /** The root secret of the seal. */
  readonly sealSecret: string | undefined
  /** Whether the application's pool has the option `pooler: 'transaction'`; undefined if that is not known. */
  readonly pooler: boolean | undefined
  readonly tenantColumns: readonly string[]
  readonly jwksUrl: string | undefined
  readonly redisUrl: string | undefined
  /** True if the caller named the Redis for partywall, as `--redis-url` does. Otherwise the application may use it for other things alone. */
  readonly redisIsOurs?: boolean
  /** The folder of the application. */
  readonly folder: string
}

export function ok(area: string, sentence: string): DoctorLine {
  return { area, verdict: 'ok', sentence }
}

export function warning(area: string, sentence: string, fix: string): DoctorLine {
  return { area, verdict: 'warning', sentence, fix }
}

export function error(area: string, sentence: string, fix: string): DoctorLine {
  return { area, verdict: 'error', sentence, fix }
}

export function skipped(area: string, sentence: string): DoctorLine {
  return { area, verdict: 'skipped', sentence }
}

/** The message without a full stop at its end. */
export function messageOf(problem: unknown): string {
  return (problem instanceof Error ? problem.message : String(problem)).replace(/\.$/, '')
}
