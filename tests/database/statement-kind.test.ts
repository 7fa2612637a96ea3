import { describe, expect, it } from 'vitest'
import { leavesResidue } from '../../src/database/statement/command-tags.ts'
import { statementCommand, statementKind } from '../../src/database/statement/statement-kind.ts'

describe('the kind of a statement', () => {
  it.each([
    'select 1',
    'SELECT\n1',
    'select(1)',
    "select'x'",
    '-- a comment\nselect 1',
    '/* a /* nested */ comment */ select 1',
    '  \t\r\n\f select 1',
    '(select 1) union (select 2)',
    '((values (1)))',
    'with x as (select 1) select * from x',
    'table documents',
    'values (1)',
    "insert into t values (';')",
    'merge into t using s on true when matched then do nothing',
    'fetch all from c',
    'declare c cursor for select 1',
    'declare c insensitive no scroll cursor without hold for select 1',
    'close c',
  ])('is data: %s', (text) => expect(statementKind(text)).toBe('data'))

  it.each([
    'explain select 1',
    'EXPLAIN\nSELECT 1',
    '/* explain */ explain select 1',
    'explain analyze verbose delete from t',
    'explain (analyze, buffers, format json) update t set a = 1',
  ])('is explain: %s', (text) => expect(statementKind(text)).toBe('explain'))

  it.each([
    ['begin', 'begin'],
    ['start transaction read only', 'begin'],
    ['commit and chain', 'commit'],
    ['end', 'commit'],
    ['abort', 'rollback'],
    ['rollback work', 'rollback'],
    ['rollback to savepoint s', 'rollback-to'],
    ['rollback transaction to s', 'rollback-to'],
    ['/* x */ savepoint s', 'savepoint'],
    ['release s', 'release'],
    ['set transaction isolation level serializable', 'set-transaction'],
    ['set constraints all deferred', 'set-transaction'],
    ["set local work_mem = '1MB'", 'set-local'],
    ['show search_path', 'show'],
    ['', 'empty'],
    [' ; ', 'empty'],
    ['-- nothing', 'empty'],
    ['copy t to stdout', 'copy-to'],
    ['copy "T" (a, b) to stdout with csv', 'copy-to'],
    ['copy (select 1) to stdout', 'copy-to'],
    ['copy public.t from stdin', 'copy-from'],
    ['COPY t (a) FROM STDIN WITH (FORMAT csv)', 'copy-from'],
  ])('%s is %s', (text, kind) => expect(statementKind(text)).toBe(kind))

  it.each([
    'do $$ begin end $$',
    'call p()',
    'prepare x as select 1',
    "prepare transaction 'x'",
    "commit prepared 'x'",
    "rollback prepared 'x'",
    'execute x',
    'deallocate all',
    'discard all',
    'set search_path = x',
    'set session characteristics as transaction read only',
    'set role x',
    'set local role x',
    'set /* */ local session authorization x',
    'set local "role" = x',
    'set local app.current_tenant_id = 1',
    'reset all',
    'listen x',
    'create temp table x ()',
    'create table x as select 1',
    'alter role current_user set search_path = x',
    "alter role current_user password 'x'",
    'truncate t',
    'lock table t',
    'vacuum',
    'declare c cursor with hold for select 1',
    'declare "c" cursor with hold for select 1',
    'explain create table x as select 1',
    'explain execute x',
    'explain declare c cursor for select 1',
    "explain (format 'x') select 1",
    '/* no end select 1',
    '/* /* */ select 1',
    'selectx 1',
    'select\u00e9 1',
    '\u00a0select 1',
    '"select" 1',
    '\\copy t from x',
    'copy t to stdout; drop table t',
    'copy (select 1; drop table t) to stdout',
    '1',
    ';select 1',
  ])('is refused on a doubt: %s', (text) => expect(statementKind(text)).toBe('other'))

  it('names the command for the message', () => {
    expect(statementCommand('/* x */ do $$ $$')).toBe('DO')
    expect(statementCommand('/* x')).toBe('')
  })
})

describe('the server’s word on what was done', () => {
  it.each([
    'SELECT 1',
    'INSERT 0 1',
    'UPDATE 2',
    'DELETE 0',
    'MERGE 1',
    'FETCH 3',
    'MOVE 1',
    'COPY 5',
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT',
    'RELEASE',
    'START TRANSACTION',
    'EXPLAIN',
    'SHOW',
    'CLOSE CURSOR',
  ])('is clean: %s', (tag) => expect(leavesResidue(tag)).toBe(false))
  it.each([
    'DO',
    'CALL',
    'PREPARE',
    'DEALLOCATE',
    'DEALLOCATE ALL',
    'SET',
    'RESET',
    'LISTEN',
    'DECLARE CURSOR',
    'CREATE TABLE',
    'ALTER ROLE',
    'PREPARE TRANSACTION',
    'DISCARD ALL',
    'LOCK TABLE',
    'START',
    '',
  ])('leaves something: %s', (tag) => expect(leavesResidue(tag)).toBe(true))
})
