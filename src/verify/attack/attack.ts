import type { RuleId } from '../finding/rule-id.ts'
import type { Arena, Pass } from './arena.ts'

/**
 * One attack. It runs inside the transaction that is always rolled back. An exception of an attack is
 * reported as an internal error and ends only that attack.
 */
export interface Attack {
  /** The file's name: `read-across`. */
  readonly name: string
  readonly title: string
  /** What it must find before it sends a probe: the reason of an attack that sent none. Completes “there was no …”. */
  readonly needs: string
  /** Rules whose findings this attack confirms or raises. */
  readonly rules: readonly RuleId[]
  /** Default: `['set']`. */
  readonly passes?: readonly Pass[]
  run(arena: Arena): Promise<void>
}
