import type { Wall } from './stage.ts'

interface Statement {
  readonly text: string
  /** @param round counts the statements of one connection */
  values(tenant: string, round: number, firstFreeId: number): readonly unknown[]
}

/** The most frequent kinds of statements of an application, each for one tenant. */
export const STATEMENTS: Readonly<Record<string, (wall: Wall) => Statement>> = {
  'select by key': (wall) => ({
    text: `select title from ${wall} where tenant_id = $1 and id = $2`,
    values: byKey,
  }),
  'three joined': (wall) => ({
    text: `select a.title from ${wall} a join ${wall}_2 b using (tenant_id, id) join ${wall}_3 c using (tenant_id, id)
            where a.tenant_id = $1 and a.id = $2`,
    values: byKey,
  }),
  insert: (wall) => ({
    text: `insert into ${wall} values ($1, $2, 'title')`,
    values: (tenant, round, firstFreeId) => [tenant, firstFreeId + round],
  }),
  'update by key': (wall) => ({
    text: `update ${wall} set title = 'changed' where tenant_id = $1 and id = $2`,
    values: byKey,
  }),
}

function byKey(tenant: string, round: number): readonly unknown[] {
  return [tenant, (round % 200) + 1]
}
