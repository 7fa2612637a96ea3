/** The known state of a row that somebody tried to write. */
type RowFate = 'committed' | 'rolled back' | 'unknown' | 'deleted'

interface LedgerRow {
  readonly tenantId: string
  readonly id: string
}

/** A violation: a promise of partywall that did not hold. */
export interface Violation {
  readonly kind:
    | 'foreign row read'
    | 'foreign write'
    | 'own row missing'
    | 'rolled-back row kept'
    | 'row in the wrong place'
    | 'refusal that nobody planned'
    | 'cancel that nobody planned'
    | 'attack succeeded'
    | 'residue on a connection'
    | 'wrong context in a callback'
  readonly detail: string
}

const KEPT_VIOLATIONS = 50

/** Records what each tenant wrote, and every violation. */
export class Ledger {
  readonly #rows = new Map<string, { readonly tenantId: string; fate: RowFate }>()
  readonly #committed = new Map<string, string[]>()
  readonly violations: Violation[] = []
  readonly byKind = new Map<Violation['kind'], number>()

  violate(kind: Violation['kind'], detail: string): void {
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1)
    if (this.violations.length < KEPT_VIOLATIONS) this.violations.push({ kind, detail })
  }

  wrote(row: LedgerRow, fate: RowFate): void {
    this.#rows.set(row.id, { tenantId: row.tenantId, fate })
    if (fate !== 'committed') return
    const list = this.#committed.get(row.tenantId) ?? []
    list.push(row.id)
    this.#committed.set(row.tenantId, list)
  }

  /** Marks a row as uncertain: its DELETE may or may not have happened, so no operation reads it by its id any more. */
  forget(tenantId: string, id: string, fate: RowFate): void {
    const row = this.#rows.get(id)
    if (row !== undefined) row.fate = fate
    const list = this.#committed.get(tenantId)
    const at = list?.indexOf(id) ?? -1
    if (at >= 0) list?.splice(at, 1)
  }

  committedOf(tenantId: string): readonly string[] {
    return this.#committed.get(tenantId) ?? []
  }

  /** Checks rows that a tenant read: each must belong to the tenant and must have been written by it. */
  read(tenantId: string, rows: readonly unknown[], what: string): void {
    for (const row of rows) {
      const owner = field(row, 'tenant_id')
      const writer = field(row, 'writer')
      if (owner !== tenantId) this.violate('foreign row read', `${what}: a row of ${owner} came to ${tenantId}`)
      else if (writer !== tenantId)
        this.violate('foreign write', `${what}: a row of ${tenantId} was written by ${writer}`)
    }
  }

  /**
   * Checks all tables at the end, as the superuser sees them.
   *
   * @param rows each with the table that it is in
   * @param tableOf the table that a tenant's rows belong in
   */
  judge(rows: readonly unknown[], tableOf: (tenantId: string) => string): void {
    const there = new Set<string>()
    for (const row of rows) {
      const id = String(field(row, 'id'))
      const table = field(row, 'table')
      if (there.has(id)) this.violate('row in the wrong place', `row ${id} is in two places, one is ${table}`)
      there.add(id)
      const owner = field(row, 'tenant_id')
      const writer = field(row, 'writer')
      if (owner !== writer) this.violate('foreign write', `row ${id} of ${owner} was written by ${writer}`)
      const home = tableOf(String(owner))
      if (table !== home) this.violate('row in the wrong place', `row ${id} of ${owner} is in ${table}, not in ${home}`)
      const known = this.#rows.get(id)
      if (known?.fate === 'rolled back' || known?.fate === 'deleted') {
        this.violate('rolled-back row kept', `row ${id} is there although its fate was: ${known.fate}`)
      }
    }
    for (const [id, row] of this.#rows) {
      if (row.fate === 'committed' && !there.has(id)) {
        this.violate('own row missing', `row ${id} of ${row.tenantId} was committed and is gone`)
      }
    }
  }

  get rows(): number {
    return this.#rows.size
  }
}

function field(row: unknown, name: string): unknown {
  return row !== null && typeof row === 'object' ? Reflect.get(row, name) : undefined
}
