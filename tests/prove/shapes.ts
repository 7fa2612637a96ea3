import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verb } from '../../src/catalog/verbs.ts'
import type { VerifyReport } from '../../src/verify/index.ts'
import { type OpenCase, openCase } from '../verify/rule-case.ts'

/** A policy of one table among many of a database. `{t}` is the table, `{CTX}` the context as the policy may write it. */
export interface Shape {
  /** What stands before the policy: functions, views, columns. Run as a superuser. */
  readonly setup?: string
  /** One or several CREATE POLICY. */
  readonly policy: string
  /** What the app does before it looks, in the context of tenant `acme`. */
  readonly attack?: string
  /** Counts what crossed. Default: rows of the table that are not `acme`'s. */
  readonly look?: string
  /** The value of the setting. Default `acme`. */
  readonly context?: string
  /** The verb whose verdict is asked for. Default select. */
  readonly verb?: Verb
  /** Who acts. Default `{app}`. */
  readonly role?: string
  /** The table whose verdict is asked for. Default `{t}`. */
  readonly table?: string
}

export interface Shapes {
  readonly base: string
  /** Columns and constraints of each table. */
  readonly columns: string
  /** Rows of each table. */
  readonly rows: string
  readonly setting: string
  readonly context: string
  readonly replace: Readonly<Record<string, string>>
}

/**
 * Many policies in one database, each on a table of its own. Those of `leaking` must leak, on the real server, and not be
 * proved; those of `holding` must show nothing of others, and be proved.
 */
export function shapes(
  name: string,
  kit: Shapes,
  { leaking, holding }: { leaking?: Readonly<Record<string, Shape>>; holding?: Readonly<Record<string, Shape>> },
): void {
  const all = [...Object.entries(leaking ?? {}), ...Object.entries(holding ?? {})]
  const table = (shape: Shape) => `t${all.findIndex(([, candidate]) => candidate === shape)}_`
  const replace = (sql: string) =>
    Object.entries(kit.replace).reduce((text, [key, value]) => text.replaceAll(key, value), sql)
  const fill = (shape: Shape, sql: string) => replace(sql).replaceAll('{t}', table(shape))
  const made = (shape: Shape) => `
    create table {t} (${kit.columns});
    alter table {t} owner to {owner};
    ${kit.rows}
    alter table {t} enable row level security, force row level security;
    grant select on {t} to {app};
    ${shape.setup ?? ''};
    ${shape.policy};`

  describe(name, () => {
    let opened: OpenCase
    let report: VerifyReport
    beforeAll(async () => {
      opened = await openCase([replace(kit.base), ...all.map(([, shape]) => fill(shape, made(shape)))])
      report = await opened.verify({ mode: 'static', setting: kit.setting })
      expect(report.summary.internalErrors).toEqual([])
    })
    afterAll(() => opened?.close())

    const verdict = (shape: Shape) =>
      report.tables.find(({ object }) => object === fill(shape, shape.table ?? 'public.{t}'))?.verbs[
        shape.verb ?? 'select'
      ]

    /** Rows of others that the app sees, or what it was told. */
    async function crossed(shape: Shape): Promise<number> {
      const client = new pg.Client({ connectionString: opened.url })
      await client.connect()
      try {
        await client.query('begin')
        await client.query(roles(opened, fill(shape, `set local role ${shape.role ?? '{app}'}`)))
        await client.query(`select set_config($1, $2, true)`, [kit.setting, shape.context ?? kit.context])
        if (shape.attack !== undefined) await client.query(roles(opened, fill(shape, shape.attack)))
        const look =
          shape.look ??
          `select count(*)::int as crossed from {t} where tenant_id is distinct from '${shape.context ?? kit.context}'`
        const { rows } = await client.query<{ crossed: number }>(roles(opened, fill(shape, look)))
        return rows[0]?.crossed ?? 0
      } finally {
        await client.end()
      }
    }

    for (const [title, shape] of Object.entries(leaking ?? {}))
      it(`proves nothing of ${title}`, async () => {
        expect(await crossed(shape)).toBeGreaterThan(0)
        expect(verdict(shape)).not.toBe('proved-static')
        expect(verdict(shape)).toBeDefined()
      })
    for (const [title, shape] of Object.entries(holding ?? {}))
      it(`proves ${title}`, async () => {
        expect(await crossed(shape)).toBe(0)
        const table = report.tables.find(({ object }) => object === fill(shape, shape.table ?? 'public.{t}'))
        expect(verdict(shape), JSON.stringify(table?.reasons)).toBe('proved-static')
      })
  })
}

function roles(opened: OpenCase, sql: string): string {
  return sql.replace(/\{([a-z_]+)\}/g, (_, name: string) => opened.role(name))
}

/** Tenants with text keys: `acme` acts, `bolt` is the other one. */
export const TEXT_KEYS: Shapes = {
  setting: 'app.tenant_id',
  context: 'acme',
  base: `
    create table tenants (id text primary key, name text not null, plan text);
    insert into tenants values ('acme', 'Acme', 'pro'), ('bolt', 'Bolt', 'pro');
    create table members (tenant_id text not null references tenants (id), user_id text not null, status text not null,
      primary key (tenant_id, user_id));
    insert into members values ('acme', 'ann', 'active'), ('bolt', 'bob', 'active');
    create table catalogue (id text primary key, label text);
    insert into catalogue values ('acme', 'x'), ('bolt', 'x'), ('x', 'x');
    create table pairs (ids text[] not null);
    insert into pairs values (array['acme', 'bolt']);
    alter table tenants owner to {owner}; alter table members owner to {owner};
    alter table catalogue owner to {owner}; alter table pairs owner to {owner};
    alter table tenants enable row level security, force row level security;
    create policy own on tenants using (id = (select nullif(current_setting('app.tenant_id', true), '')));
    alter table members enable row level security, force row level security;
    create policy own on members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
    grant select on tenants, members, catalogue, pairs to {app};
    create schema app; grant usage on schema app to {app};`,
  columns: `id bigint not null generated by default as identity, tenant_id text not null references tenants (id), title text not null default 'a title',
    visibility text not null default 'private', rank integer, meta jsonb, primary key (tenant_id, id)`,
  rows: `insert into {t} (tenant_id) values ('acme'), ('bolt');`,
  replace: { '{CTX}': `nullif(current_setting('app.tenant_id', true), '')` },
}
