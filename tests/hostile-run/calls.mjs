// What a tenant may try whose request runs SQL of its own. Each takes the pool and the id of another tenant; its answer is the rows that it saw.
import { randomBytes } from 'node:crypto'

const rows = async (asked) => (await asked).rows
const sql = (text, values) => (pool) => rows(pool.query(text, values))
const setting = (name, value, local) => sql('select set_config($1, $2, $3)', [name, value, local])

export const hostileCalls = [
  // Another tenant's rows.
  (pool, victim) =>
    rows(pool.query("select set_config('app.current_tenant_id', $1, false), tenant_id from documents", [victim])),
  (pool, victim) =>
    pool.transaction(async (tx) => {
      await tx.query("select set_config('app.current_tenant_id', $1, true)", [victim])
      return rows(tx.query('select tenant_id from documents'))
    }),
  (pool, victim) =>
    rows(pool.query("update documents set body = 'stolen' where tenant_id = $1 returning tenant_id", [victim])),
  (pool, victim) =>
    rows(
      pool.query("insert into documents (title, body, tenant_id) values ('x', 'stolen', $1) returning tenant_id", [
        victim,
      ]),
    ),
  sql('select tenant_id from documents'),
  sql("select query_to_xml('select tenant_id from documents', true, false, '')"),
  // Settings that could stay.
  setting('row_security', 'off', false),
  setting('role', 'tenant_admin', false),
  setting('search_path', 'nowhere', false),
  setting('statement_timeout', '1', false),
  setting('transaction_timeout', '1', false),
  setting('default_transaction_read_only', 'on', false),
  setting('TimeZone', 'Asia/Tokyo', false),
  setting('client_encoding', 'LATIN1', false),
  (pool) =>
    pool.transaction(async (tx) => {
      await tx.query("select set_config('statement_timeout', '0', true)")
      return rows(tx.query('select pg_sleep(60)'))
    }),
  // Time and connections.
  sql('select pg_sleep(1)'),
  sql('select pg_sleep(60)'),
  sql('select count(*) from generate_series(1, 3000000)'),
  (pool) => pool.transaction(() => rows(pool.query('select pg_sleep(0.2)'))),
  sql('select pg_advisory_lock(1), pg_sleep(0.1)'),
  sql('select * from documents for update'),
  // Answers and messages.
  sql("select repeat('x', 70000000)"),
  sql('select generate_series(1, 2000000)'),
  (pool) => rows(pool.query({ text: 'select 1', rows: -1 })),
  (pool) => rows(pool.query({ text: 'select 1', name: 7 })),
  (pool) => rows(pool.query(`copy t${' '.repeat(40000)}x`)),
  (pool) => rows(pool.query('select $1::text', [new Date(Number.NaN)])),
  // Alerts, audit, notifications.
  sql(
    "select partywall.alert_outbox_add(array['soak'], '', 'k', 'TOKEN_ATTACK', '{}', 1, '294000-01-01', now(), 1000)",
  ),
  sql("select pg_notify('partywall_tenants', repeat('x', 7000)) from generate_series(1, 500)"),
  (pool) =>
    rows(
      pool.query(
        "insert into partywall.audit_events (action, resource, details) values ('x', 'y', jsonb_build_object('x', repeat('x', 9000000)))",
      ),
    ),
  // What is refused, or stays on the server.
  sql('begin'),
  sql('do $$ begin perform pg_sleep(1); end $$'),
  sql('prepare p as select 1'),
  sql('select lo_create(0)'),
  sql("select pg_logical_emit_message(true, 'x', repeat('x', 100000))"),
  (pool) => rows(pool.query({ text: 'select 1', name: `n${randomBytes(4).toString('hex')}` })),
  sql('select 1; drop table documents'),
  sql('select nonsense from nowhere'),
  (pool) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    return rows(pool.query({ text: 'select pg_sleep(2)', signal: controller.signal }))
  },
]
