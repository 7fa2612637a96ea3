import type { Attack } from '../attack.ts'
import { readAcross } from './read-across.ts'
import { writeAcross } from './write-across.ts'

/** Every attack, in the order in which they run. */
export const attacks: readonly Attack[] = [readAcross, writeAcross]
