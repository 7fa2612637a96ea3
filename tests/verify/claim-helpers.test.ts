import { describe, expect, it } from 'vitest'
import { withCase } from './rule-case.ts'

const schema = (helper: string) => `
  ${helper}
  create table shops (id int generated always as identity primary key, name text not null);
  create table items (shop_id int not null references shops, id int generated always as identity, name text, primary key (shop_id, id));
  alter table shops owner to {owner}; alter table items owner to {owner};
  alter table shops enable row level security, force row level security; alter table items enable row level security, force row level security;
  create policy s on shops for select using (id = (select my_shop())); create policy i on items using (shop_id = (select my_shop()));
  grant select on shops to {app}; grant select, insert, update, delete on items to {app};`

const claims = `nullif(current_setting('request.jwt.claims', true), '')::json`
const mine = `create function my_shop() returns int language sql stable as $$ select nullif(claim('shop_id'), '')::int $$;`

describe('claims that a helper reads by the key that it is given', () => {
  for (const [name, helper] of Object.entries({
    'a named argument of an SQL function': `create function claim(key text) returns text language sql stable as $$ select ${claims} ->> key $$; ${mine}`,
    'a numbered argument': `create function claim(text) returns text language sql stable as $$ select ${claims} ->> $1 $$; ${mine}`,
    'an argument of a PL/pgSQL function': `create function claim(key text) returns text language plpgsql stable as $$ begin return ${claims} ->> key; end $$; ${mine}`,
    'the second call of the same helper': `create function claim(key text) returns text language sql stable as $$ select ${claims} ->> key $$;
      create function my_shop() returns int language sql stable as $$ select case when claim('role') = 'banned' then null else nullif(claim('shop_id'), '')::int end $$;`,
  })) {
    it(`are found through ${name}`, async () => {
      await withCase([schema(helper)], async (verify, run) => {
        const report = await verify()
        expect(report.summary.setting).toBe('request.jwt.claims->shop_id')
        expect(report.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])
        expect(report.summary.counts.verdicts).toMatchObject({ unreliable: 0, leaks: 0, unproved: 0 })
        await run('alter policy i on items using (true)')
        const open = (await verify()).findings.find((finding) => finding.rule === 'policy-always-true')
        expect(open?.proof).toBe('exploited')
      })
    })
  }
})
