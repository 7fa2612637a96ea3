import { z } from 'zod'
import { rules } from './rules/list.ts'

export const verifyOptionsSchema = z.strictObject({
  databaseUrl: z.string().min(1),
  appRole: z.string().min(1).optional(),
  appUrl: z.string().min(1).optional(),
  schemas: z.array(z.string().min(1)).nonempty().optional(),
  tenantSchemas: z.array(z.string().min(1)).nonempty().optional(),
  tenantColumns: z.array(z.string().min(1)).nonempty().optional(),
  setting: z.string().min(1).optional(),
  sealSecret: z.string().min(1).optional(),
  contextSql: z.string().min(1).optional(),
  ownServer: z.boolean().default(false),
  mode: z.enum(['auto', 'static', 'attack']).default('auto'),
  rules: z.array(z.string().refine((id) => rules.some((rule) => rule.id === id), 'there is no such rule')).optional(),
  statementTimeoutMs: z.number().int().positive().default(10_000),
  lockTimeoutMs: z.number().int().positive().default(2_000),
  onProgress: z.custom<(step: string) => void>((value) => typeof value === 'function', 'a function').optional(),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'an AbortSignal').optional(),
})

/** Options of `verifyDatabase`. */
export interface VerifyOptions {
  /** URL of the migration role or of a superuser. A superuser is better, because only a superuser sees everything. Nothing is committed. */
  readonly databaseUrl: string
  /** The role that the application's queries run as. Default: the role that verify finds by its grants. */
  readonly appRole?: string | undefined
  /**
   * Connection URL of the application. verify connects only to read the name of its login role, which is session_user in policies.
   */
  readonly appUrl?: string | undefined
  /** Schemas to verify. Default: all schemas except PostgreSQL's own. */
  readonly schemas?: readonly string[] | undefined
  /**
   * Names of schemas that hold the tables of one tenant each; `*` stands for any text: `tenant_*`. Default: the schemas in the table
   * `partywall.schemas`, or schemas with the same tables and the same beginning of the name.
   */
  readonly tenantSchemas?: readonly string[] | undefined
  /** Columns that name the tenant. Default: the columns that verify finds by names, foreign keys and policies. */
  readonly tenantColumns?: readonly string[] | undefined
  /**
   * The setting that names the tenant: `app.tenant_id`, or `request.jwt.claims->tenant_id`. Default: the setting that most policies read.
   */
  readonly setting?: string | undefined
  /** The root secret of the seal, for sealed schemas. */
  readonly sealSecret?: string | undefined
  /** Further SQL that opens a tenant's context. `$TENANT` stands for the quoted tenant id. Runs after the setting was set. */
  readonly contextSql?: string | undefined
  /**
   * Whether the server was started only for this run. verify may then copy the database, and log in as the application with a temporary
   * password. Default false.
   */
  readonly ownServer?: boolean | undefined
  /** `auto` (the default): attacks only if all tenant tables are empty; otherwise only reads the catalog and proves. */
  readonly mode?: 'auto' | 'static' | 'attack' | undefined
  /** Ids of the rules to run. Default: all. */
  readonly rules?: readonly string[] | undefined
  /** Statement timeout of an attack, in milliseconds. Default 10,000. */
  readonly statementTimeoutMs?: number | undefined
  /** Lock timeout in milliseconds. Default 2,000, so that verify and other sessions do not wait long for each other. */
  readonly lockTimeoutMs?: number | undefined
  readonly onProgress?: ((step: string) => void) | undefined
  /** Ends the run and its connection; the server rolls back. */
  readonly signal?: AbortSignal | undefined
}
