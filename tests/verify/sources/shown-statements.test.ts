import { describe, expect, it } from 'vitest'
import { shownStatements } from '../../../src/verify/sources/shown-statements.ts'
import { splitStatements } from '../../../src/verify/sources/split-statements.ts'

const show = (sql: string) => shownStatements(splitStatements(sql).statements)

describe('the statements that a report shows', () => {
  it('have their lines, and definitions in full', () => {
    const sql = `-- a note about a customer
create table t (id int, name text default 'new');

create policy p on t using (name = 'x');`
    expect(show(sql)).toEqual([
      { line: 2, text: "create table t (id int, name text default 'new')" },
      { line: 4, text: "create policy p on t using (name = 'x')" },
    ])
  })

  it.each([
    ["insert into public.users (email) values ('ann@example.com'), ('bob@example.com')", 'insert into public.users'],
    ['update "Users" set phone = 4930123', 'update "Users"'],
    ['delete from only logs where id = 77', 'delete from only logs'],
    [`merge into t using (select 'secret-value') s on true when matched then delete`, 'merge into t'],
  ])('hold no row: %s', (sql, begin) => {
    expect(show(`${sql};`)).toEqual([{ line: 1, text: `${begin} … -- data left out` }])
  })

  it.each([
    "create role app login password 'hunter2'",
    "alter user app with encrypted password E'hunt\\'hunter2'",
    "create user mapping for app server s options (user 'u', password 'hunter2')",
    "create subscription s connection 'host=h password=hunter2' publication p",
    `alter database d set "app.jwt_secret" to 'hunter2'`,
    "select set_config('app.key', 'hunter2', false)",
    "call register('hunter2')",
    "do $$ begin execute 'create role x password ''hunter2'''; end $$",
    "create function f() returns text language sql as $$ select dblink('postgres://u:hunter2@h/d', 'select 1') $$",
    "create server s foreign data wrapper w options (host 'h', passfile 'hunter2')",
  ])('hold no password and no value of a setting: %s', (sql) => {
    const [statement] = show(`${sql};`)
    expect(statement?.text).not.toContain('hunter2')
    expect(statement?.text).toContain('…')
  })
})
