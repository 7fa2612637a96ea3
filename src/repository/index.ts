export {
  type CursorKeys,
  type ListOptions,
  type NewRow,
  type Page,
  type RepositoryOptions,
  type RowChanges,
  TenantAwareRepository,
} from './base-repository.ts'
export type { Columns, ColumnType } from './column-types.ts'
export type { RepositoryConnection, RepositoryPool, RepositoryStatement } from './connection.ts'
export { databaseRefusal } from './database-refusal.ts'
export type { Direction, OrderBy } from './order.ts'
export type { TableOptions } from './table.ts'
export type { Condition, Where } from './where.ts'
