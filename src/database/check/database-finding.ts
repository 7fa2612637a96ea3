/** A property of the database that weakens the isolation of tenants. */
export interface DatabaseFinding {
  /** Stable: `role-superuser`, `table-without-rls`, … */
  readonly id: string
  /** An error refuses the start of the application; a warning is only logged. */
  readonly severity: 'error' | 'warning'
  /** The role, table or setting that the finding is about. */
  readonly object: string
  readonly message: string
  /** SQL or a command that fixes the problem. */
  readonly fix: string
}
