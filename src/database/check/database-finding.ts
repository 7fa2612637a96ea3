/** A property of the database that weakens the isolation of tenants. */
export interface DatabaseFinding {
  /** Stable: `role-superuser`, `table-without-rls`, … */
  readonly id: string
  /** Errors refuse the start; warnings are logged. */
  readonly severity: 'error' | 'warning'
  /** The role, table or setting that it is about. */
  readonly object: string
  readonly message: string
  /** SQL or a command that fixes it. */
  readonly fix: string
}
