import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('policy-check-lax', {
  object: 'public.notes',
  severity: 'critical',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true);`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'a restrictive check narrows it': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true); create policy r on notes as restrictive using (true) with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})

const FILLED = (body: string, events = 'insert or update') =>
  `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true);
    create function fill() returns trigger language plpgsql as $$ begin ${body} end $$;
    create trigger fill before ${events} on notes for each row execute function fill();`
const CONTEXT = `nullif(current_setting('app.tenant_id', true), '')::uuid`

ruleCase('policy-check-lax', {
  name: 'a trigger that fills a tenant that is missing',
  object: 'public.notes',
  severity: 'critical',
  hole: FILLED(`new.tenant_id := coalesce(new.tenant_id, ${CONTEXT}); return new;`),
  repaired: `${FILLED(`new.tenant_id := ${CONTEXT}; return new;`)} alter policy p on notes with check (tenant_id = (select ${CONTEXT}));`,
  nearMisses: {},
})

describe('policy-check-lax: a trigger that writes the context into every row', () => {
  const severities = async (sql: string, mode: 'static' | 'attack') => {
    let said: readonly string[] = []
    await withCase([HOLDING, sql], async (verify) => {
      const { findings } = await verify({ mode })
      said = findings.filter((finding) => finding.rule === 'policy-check-lax').map((finding) => finding.severity)
    })
    return said
  }

  it('is low where nothing else decides', async () => {
    const helper = `create function my_tenant() returns uuid language sql stable as $$ select ${CONTEXT} $$;`
    expect(await severities(FILLED(`new.tenant_id := ${CONTEXT}; return new;`), 'attack')).toEqual(['low'])
    expect(await severities(`${helper} ${FILLED('new.tenant_id := my_tenant(); return new;')}`, 'static')).toEqual([
      'low',
    ])
  })

  it('stays critical where a row gets past it', async () => {
    const past = [
      FILLED(`new.tenant_id := ${CONTEXT}; return new;`, 'insert'),
      FILLED(`if new.note is not null then return new; end if; new.tenant_id := ${CONTEXT}; return new;`),
      FILLED(`if new.note is null then new.tenant_id := ${CONTEXT}; end if; return new;`),
      `${FILLED(`new.tenant_id := ${CONTEXT}; return new;`)} alter table notes disable trigger fill;`,
      `${FILLED(`new.tenant_id := ${CONTEXT}; return new;`)} create function late() returns trigger language plpgsql as $$ begin new.tenant_id := new.note::uuid; return new; end $$; create trigger late before insert on notes for each row execute function late();`,
      FILLED(`new.tenant_id := ${CONTEXT}; new := old; return new;`),
      FILLED(`new.tenant_id := coalesce(new.tenant_id, ${CONTEXT}); return new;`),
      FILLED(`new.tenant_id := nullif(current_setting('app.chosen', true), '')::uuid; return new;`),
      FILLED(`new.tenant_id := ${CONTEXT}; return new;`, 'insert or update of note'),
      FILLED(`new.tenant_id := ${CONTEXT}; return new;`).replace('row execute', 'row when (new.note is null) execute'),
    ]
    for (const sql of past) expect(await severities(sql, 'static'), sql).toEqual(['critical'])
  })
})

// Members are the users of a tenant. Whoever may enter himself anywhere is in every tenant.
const MEMBERS = (check: string) => `
  create table members (tenant_id uuid not null references tenants (id), user_id uuid not null, role text not null default 'member', primary key (tenant_id, user_id));
  alter table members owner to {owner}; alter table members enable row level security, force row level security;
  grant select, insert on members to {app};
  create policy here on members for select using (tenant_id = (select ${CONTEXT}));
  create policy join_in on members for insert with check (${check});`

ruleCase('policy-check-lax', {
  name: 'new rows that only name their user',
  object: 'public.members',
  severity: 'critical',
  proof: 'static',
  hole: MEMBERS(`user_id = (select nullif(current_setting('app.user_id', true), '')::uuid)`),
  repaired: MEMBERS(
    `user_id = (select nullif(current_setting('app.user_id', true), '')::uuid) and tenant_id = (select ${CONTEXT})`,
  ),
  nearMisses: {},
})

const AUTHORS = `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), author text not null default 'x', note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};`
const TENANT = `tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`

ruleCase('policy-check-lax', {
  name: 'WITH CHECK asks for the author alone',
  object: 'public.notes',
  severity: 'critical',
  proof: 'static',
  hole: `${AUTHORS} create policy p on notes using (${TENANT}) with check (author = current_setting('app.user', true));`,
  repaired: `${AUTHORS} create policy p on notes using (${TENANT}) with check (${TENANT} and author = current_setting('app.user', true));`,
  nearMisses: {
    'one expression for both is another hole': `${AUTHORS} create policy p on notes using (author = current_setting('app.user', true));`,
  },
  beside: {
    'one expression for both is another hole': {
      rule: 'policy-user-not-tenant',
      because: 'USING asks for the author too',
    },
  },
})
