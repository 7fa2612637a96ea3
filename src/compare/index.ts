export type { Access, Outcome, Owner, User } from './access.ts'
export { type Comparison, compareSchemas } from './compare-schemas.ts'
export { type Difference, isHarmless, tell } from './differences.ts'
