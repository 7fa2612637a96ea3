// Raw SQL of tenant A as the application's own role, in A's context: what an ORM, a report or a forgotten filter would send.
import { type Attack, type AttackGroup, failureOf, outcome } from '../attack.ts'
import type { Stage } from '../stage.ts'
import { ownSchemas } from './own-schemas.ts'

const lines = ['security-no-leak', 'completed-cross-tenant-access', 'completed-rls-policies'] as const

function reads(id: string, title: string, text: (stage: Stage) => string): Attack {
  return {
    id,
    title,
    lines,
    async run(stage) {
      const { rows } = await stage.a.helper.rawQuery(text(stage))
      const shown = JSON.stringify(rows)
      const foreign = shown.includes(stage.b.id) || shown.includes(stage.b.secret) || shown.includes(stage.b.documentId)
      return outcome(!foreign, `${rows.length} rows, ${foreign ? 'some of Globex' : 'none of Globex'}`)
    },
  }
}

function refused(id: string, title: string, codes: readonly string[], text: (stage: Stage) => string): Attack {
  return {
    id,
    title,
    lines,
    async run(stage) {
      const code = await failureOf(() => stage.a.helper.rawQuery(text(stage)))
      return outcome(codes.includes(code), code)
    },
  }
}

const untouched: Attack = {
  id: 'sql-blind-write',
  title: 'UPDATE documents SET body = … without WHERE',
  lines,
  async run({ a, b, admin }) {
    await a.helper.rawQuery("update documents set body = 'overwritten' where title = 'Draft'")
    await a.helper.rawQuery('update documents set title = title')
    const { rowCount } = await admin('select from documents where tenant_id = $1 and body <> $2', [b.id, b.secret])
    return outcome(rowCount === 0, `${rowCount} rows of Globex changed`)
  },
}

const blindDelete: Attack = {
  id: 'sql-blind-delete',
  title: "DELETE FROM documents WHERE title = 'Minutes'",
  lines,
  async run({ a, b, admin }) {
    await a.helper.rawQuery("delete from documents where title = 'Minutes'")
    const { rowCount } = await admin("select from documents where tenant_id = $1 and title = 'Minutes'", [b.id])
    return outcome(rowCount === 1, `${rowCount} row of Globex is still there`)
  },
}

export const rawSql: AttackGroup = {
  title: 'Raw SQL in the context of Acme',
  attacks: [
    {
      ...reads('sql-all', 'SELECT * FROM documents', () => 'select * from documents'),
      layer: 'rls',
      lines: [...lines, 'security-rls-on-all-queries'],
    },
    reads(
      'sql-by-id',
      'SELECT … WHERE id = <id of Globex>',
      ({ b }) => `select * from documents where id = '${b.documentId}'`,
    ),
    reads(
      'sql-by-tenant',
      'SELECT … WHERE tenant_id = <Globex>',
      ({ b }) => `select * from documents where tenant_id = '${b.id}'`,
    ),
    reads(
      'sql-join',
      'a JOIN over three tables',
      () =>
        'select d.*, p.name, u.email from documents d join projects p on p.id = d.project_id join users u on u.id = d.created_by',
    ),
    reads('sql-cte', 'a materialized CTE', () => 'with x as materialized (select * from documents) select * from x'),
    reads('sql-tenants', 'the list of tenants', () => 'select * from tenants'),
    reads(
      'sql-aggregate',
      'an aggregate over everything',
      () => 'select tenant_id, count(*) from documents group by tenant_id',
    ),
    reads(
      'sql-update-returning',
      'UPDATE … RETURNING',
      () => 'update documents set title = title returning tenant_id, body',
    ),
    untouched,
    blindDelete,
    refused(
      'sql-insert-foreign',
      'INSERT with the tenant of Globex',
      ['42501'],
      ({ b }) => `insert into documents (tenant_id, title) values ('${b.id}', 'planted')`,
    ),
    refused(
      'sql-move',
      'UPDATE … SET tenant_id = <Globex>',
      ['42501'],
      ({ b }) => `update documents set tenant_id = '${b.id}'`,
    ),
    refused(
      'sql-upsert',
      'INSERT … ON CONFLICT DO UPDATE on a row of Globex',
      ['42501'],
      ({ b }) =>
        `insert into documents (tenant_id, id, title) values ('${b.id}', '${b.documentId}', 'x') on conflict (tenant_id, id) do update set title = 'taken'`,
    ),
    refused(
      'sql-fk',
      'a document in a project of Globex',
      ['23503'],
      ({ b }) => `insert into documents (title, project_id) values ('x', '${b.projectId}')`,
    ),
    refused('sql-truncate', 'TRUNCATE documents', ['42501', 'PARTYWALL_STATEMENT_REFUSED'], () => 'truncate documents'),
    refused(
      'sql-copy',
      'two statements in one text',
      ['PARTYWALL_STATEMENT_REFUSED'],
      () => 'select 1; select * from documents',
    ),
    refused('sql-role', 'SET ROLE to the owner', ['PARTYWALL_STATEMENT_REFUSED'], () => 'set role app_owner'),
    refused(
      'sql-disable',
      'ALTER TABLE … DISABLE ROW LEVEL SECURITY',
      ['PARTYWALL_STATEMENT_REFUSED'],
      () => 'alter table documents disable row level security',
    ),
    ...ownSchemas,
    refused('sql-key', "the seal's key", ['42501'], () => 'select * from partywall.seal_keys'),
    {
      id: 'sql-no-context',
      title: 'a query outside every context',
      lines: ['security-no-leak', 'completed-context-middleware'],
      async run({ wall }) {
        const code = await failureOf(() => wall.pool.query('select * from documents'))
        return outcome(code === 'PARTYWALL_CONTEXT_MISSING', code)
      },
    },
  ],
}
