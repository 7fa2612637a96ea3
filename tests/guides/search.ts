import type { Partywall } from 'partywall'

export interface DocumentRow {
  readonly id: string
  readonly title: string
  readonly created_at: Date
}

/** The function finds keys by the index; the policies of the table still decide about the rows. */
export async function searchDocuments(wall: Partywall, question: string): Promise<readonly DocumentRow[]> {
  const { rows } = await wall.pool.query(
    `select id, title, created_at from documents
      where id = any (array(select search_documents($1))) order by created_at desc, id desc limit 20`,
    [question],
  )
  return rows
}

/** One page of a long list. It starts after the last row of the page before, so page 1,000 costs as much as page 1. */
export async function documentsAfter(wall: Partywall, last?: DocumentRow): Promise<readonly DocumentRow[]> {
  const { rows } = await wall.pool.query(
    `select id, title, created_at from documents
      where (created_at, id) < ($1, $2) order by created_at desc, id desc limit 20`,
    last === undefined ? ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] : [last.created_at, last.id],
  )
  return rows
}
