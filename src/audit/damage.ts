/** Kinds of damage to a log. */
export type DamageKind =
  | 'event-changed'
  | 'event-missing'
  | 'event-inserted'
  | 'event-moved'
  | 'event-duplicated'
  | 'event-backdated'
  | 'events-reordered'
  | 'month-dropped'
  | 'checkpoint-changed'
  | 'checkpoint-missing'
  | 'checkpoint-signature'
  | 'checkpoint-chain'
  | 'anchor-changed'
  | 'anchor-missing'
  | 'anchor-signature'
  | 'anchor-chain'
  | 'tail-cut'
  | 'history-rewritten'
  | 'private-changed'
  | 'private-missing'

/** One damaged place in the log, and the kind of the damage. */
export interface Damage {
  readonly kind: DamageKind
  /** The tenant whose log is damaged. Undefined if the damage concerns all tenants; '' is the system stream. */
  readonly tenant?: string | undefined
  readonly checkpoint?: number | undefined
  /** Position within the checkpoint, from 1. */
  readonly position?: number | undefined
  readonly anchor?: number | undefined
  readonly event?: string | undefined
  readonly detail: string
}

const KEPT = 1000

/** Collects damaged places. Counts all of them, and keeps the first thousand. */
export class DamageList {
  readonly #kept: Damage[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(damage: Damage): void {
    this.#count++
    if (this.#kept.length < KEPT) this.#kept.push(damage)
  }

  sorted(): readonly Damage[] {
    const order = (a: Damage, b: Damage) =>
      (a.anchor ?? 0) - (b.anchor ?? 0) ||
      compare(a.tenant ?? '', b.tenant ?? '') ||
      (a.checkpoint ?? Number.MAX_SAFE_INTEGER) - (b.checkpoint ?? Number.MAX_SAFE_INTEGER) ||
      (a.position ?? 0) - (b.position ?? 0) ||
      compare(a.kind, b.kind)
    return this.#kept.sort(order)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
