import type { Rule } from '../rule.ts'
import { rlsDisabled } from './rls-disabled.ts'

/** Every rule, in the order of the catalogue. */
export const rules: readonly Rule[] = [rlsDisabled]
