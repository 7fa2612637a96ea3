import { describe, expect, it } from 'vitest'
import { cutDownSection } from '../../../src/verify/sources/down-section.ts'
import { splitStatements, UnreadableSqlError } from '../../../src/verify/sources/split-statements.ts'

const texts = (sql: string) => splitStatements(sql).statements.map((statement) => statement.text)

describe('splitStatements', () => {
  it('cuts at semicolons and nowhere else', () => {
    expect(
      texts(`-- a; comment
select 'a;b', E'it\\'s;', "odd;name", $$;$$, $tag$ $$;$$ $tag$; /* ; /* ; */ ; */
create rule r as on insert to t do also (insert into a values (1); insert into b values (2));;
select 1`),
    ).toEqual([
      `select 'a;b', E'it\\'s;', "odd;name", $$;$$, $tag$ $$;$$ $tag$`,
      'create rule r as on insert to t do also (insert into a values (1); insert into b values (2))',
      'select 1',
    ])
  })

  it('keeps a body in SQL together', () => {
    const body = `CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC
      SELECT 1; SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END;
    END`
    expect(texts(`${body};\nselect 2;`)).toEqual([body, 'select 2'])
  })

  it('gives each statement the line of its first word', () => {
    const { statements } = splitStatements('\n-- one\nselect 1;\n\n/* two\n */ select 2;')
    expect(statements.map((statement) => statement.line)).toEqual([3, 6])
  })

  it('skips what guards a dump, and refuses any other psql command with its line', () => {
    expect(texts('\\restrict abc\nselect 1;\n\\unrestrict abc\n')).toEqual(['select 1'])
    for (const command of ['\\connect other', '\\i more.sql', '\\set x 1', '\\restricted']) {
      const read = () => splitStatements(`select 1;\n\n${command}\n`)
      expect(read).toThrow(UnreadableSqlError)
      expect(read).toThrow(expect.objectContaining({ line: 3 }))
    }
    expect(texts("select '\\connect'; select E'\\\\x';")).toHaveLength(2)
  })

  it('leaves rows of COPY blocks out and counts them', () => {
    const file = splitStatements('COPY public.t (a, b) FROM stdin;\n1\tx;y\n2\t\\N\n\\.\n\nselect 1;')
    expect(file.copiedRows).toBe(2)
    expect(file.statements.map((statement) => statement.text)).toEqual(['select 1'])
    expect(() => splitStatements('COPY t FROM stdin;\n1\n')).toThrow(UnreadableSqlError)
  })

  it('names the line where an endless string or comment begins', () => {
    for (const start of ["'", '"', '$$', '/*', '$a$']) {
      expect(() => splitStatements(`select 1;\nselect ${start} x;\n\n`)).toThrow(expect.objectContaining({ line: 2 }))
    }
  })
})

describe('cutDownSection', () => {
  it('leaves the marked down migration out, whichever tool marks it', () => {
    for (const [up, down] of [
      ['-- migrate:up', '-- migrate:down'],
      ['-- +goose Up', '-- +goose Down'],
      ['-- +migrate Up', '-- +migrate Down'],
      ['-- Up Migration', '-- Down Migration'],
    ]) {
      const { text, cut } = cutDownSection(`${up}\ncreate table t ();\n${down}\ndrop table t;\n`)
      expect(cut).toBe(true)
      expect(texts(text)).toEqual(['create table t ()'])
    }
    expect(cutDownSection('-- slow down migration of data\nselect 1').cut).toBe(false)
    expect(cutDownSection('-- Down migration: down/1.sql\nselect 1').cut).toBe(false)
    expect(cutDownSection('-- Up Migration\nselect 1;\n-- Down Migration of it\ndrop table t').cut).toBe(true)
  })
})
