import type { RuleId } from '../finding/rule-id.ts'
import type { Arena, Pass } from './arena.ts'

/**
 * One attack. It runs inside the transaction that is always rolled back. An exception of an attack is
 * reported as an internal error and ends only that attack.
 */
export interface Attack {
  /** The name of the attack's file without its ending, such as `read-across`. */
  readonly name: string
  readonly title: string
  /** What the attack must find before it sends a probe. If it sent none, this is the reason: the text completes “there was no …”. */
  readonly needs: string
  /** Rules whose findings this attack confirms or raises. */
  readonly rules: readonly RuleId[]
  /** The passes in which the attack runs. Default: `['set']`. */
  readonly passes?: readonly Pass[]
  run(arena: Arena): Promise<void>
}
