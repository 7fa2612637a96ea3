import type { ListOptions, NewRow, Page, RowChanges } from 'partywall/repository'

/** The methods that the routes need. `TenantAwareRepository` has them. */
export interface Rows<Row> {
  findById(id: string): Promise<Row | undefined>
  findPage(options: ListOptions<Row>): Promise<Page<Row>>
  count(options: Pick<ListOptions<Row>, 'where'>): Promise<number>
  create(data: NewRow<Row>): Promise<Row>
  createMany(data: readonly NewRow<Row>[]): Promise<Row[]>
  update(id: string, changes: RowChanges<Row>): Promise<Row>
  delete(id: string): Promise<void>
}
