import { expect, it } from 'vitest'
import { ruleCase, withCase } from '../rule-case.ts'

const USER = `(select nullif(current_setting('app.user_id', true), '')::uuid)`
const BOARDS = `
  create table boards (id uuid primary key default gen_random_uuid(), label text);
  create table board_people (board_id uuid not null references boards (id), person uuid not null, primary key (board_id, person));
  create table board_cards (id uuid primary key default gen_random_uuid(), board_id uuid not null references boards (id), body text);
  create index on board_cards (board_id);
  alter table boards owner to {owner}; alter table board_people owner to {owner}; alter table board_cards owner to {owner};
  alter table boards enable row level security; alter table board_people enable row level security;
  alter table board_cards enable row level security;
  grant select on boards, board_people, board_cards to {app};`

const SELF = `
  create policy b_read on boards for select using (id in (select board_id from board_people where person = ${USER}));
  create policy p_read on board_people for select using (board_id in (select board_id from board_people where person = ${USER}));
  create policy c_read on board_cards for select using (board_id in (select board_id from board_people where person = ${USER}));`

/** What a person writes: the lookup reads past the policies, as a role that they do not hold. */
const HELPER = `
  create function my_boards() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select board_id from public.board_people where person = ${USER} $$;
  revoke execute on function my_boards() from public; grant execute on function my_boards() to {app};
  create policy b_read on boards for select using (id in (select my_boards()));
  create policy p_read on board_people for select using (board_id in (select my_boards()));
  create policy c_read on board_cards for select using (board_id in (select my_boards()));`

ruleCase('policy-recursion', {
  base: BOARDS,
  hole: SELF,
  repaired: HELPER,
  nearMisses: {
    'the members table asks the setting alone': `
      create policy b_read on boards for select using (id in (select board_id from board_people where person = ${USER}));
      create policy p_read on board_people for select using (person = ${USER});
      create policy c_read on board_cards for select using (board_id in (select board_id from board_people where person = ${USER}));`,
  },
  object: 'public.board_people',
  severity: 'medium',
})

ruleCase('policy-recursion', {
  name: 'two tables whose policies look into each other',
  base: BOARDS,
  hole: `
    create policy b_read on boards for select using (exists (select 1 from board_people p where p.board_id = boards.id and p.person = ${USER}));
    create policy p_read on board_people for select using (exists (select 1 from boards b where b.id = board_people.board_id and b.label is not null));
    create policy c_read on board_cards for select using (board_id in (select board_id from board_people where person = ${USER}));`,
  repaired: HELPER,
  nearMisses: {},
  object: 'public.board_people',
  severity: 'medium',
})

ruleCase('policy-recursion', {
  name: 'a helper function that runs as the caller',
  base: BOARDS,
  hole: `
    create function my_boards() returns setof uuid language plpgsql stable
      as $$ begin return query select board_id from public.board_people where person = ${USER}; end $$;
    create policy b_read on boards for select using (id in (select my_boards()));
    create policy p_read on board_people for select using (board_id in (select my_boards()));
    create policy c_read on board_cards for select using (board_id in (select my_boards()));`,
  repaired: HELPER,
  nearMisses: {},
  object: 'public.board_people',
  severity: 'medium',
})

const GUESTS = (guestRead: string) => `
  create table board_guests (board_id uuid not null, guest uuid not null, primary key (board_id, guest));
  alter table board_guests owner to {owner}; alter table board_guests enable row level security;
  grant select, insert on board_guests to {app};
  create policy b_read on boards for select using (id in (select board_id from board_people where person = (select ${USER}))
    or exists (select 1 from board_guests g where g.board_id = boards.id and g.guest = (select ${USER})));
  create policy p_read on board_people for select using (person = ${USER});
  create policy c_read on board_cards for select using (board_id in (select board_id from board_people where person = ${USER}));
  create policy g_read on board_guests for select using (${guestRead});
  create policy g_add on board_guests for insert with check (exists (select 1 from boards b
    join board_people p on p.board_id = b.id where b.id = board_guests.board_id and p.person = ${USER}));`

ruleCase('policy-recursion', {
  name: 'a row whose check reads a table that looks for such rows, where a subquery reads the setting',
  base: BOARDS,
  proof: 'static',
  fixMends: false,
  hole: GUESTS(`guest = ${USER}`),
  repaired: GUESTS(`guest = nullif(current_setting('app.user_id', true), '')::uuid`),
  nearMisses: {},
  object: 'public.board_guests',
  severity: 'medium',
})

it('stands for what the server refuses: the row ends in an infinite recursion', async () => {
  await withCase([BOARDS, GUESTS(`guest = ${USER}`)], async (verify) => {
    const report = await verify()
    const guests = report.tables.find(({ object }) => object === 'public.board_guests')
    expect(guests?.verbs.insert).toBe('unproved')
    expect(guests?.reasons.insert).toContain('42P17')
    expect(guests?.reasons.insert).toContain('policy-recursion on public.board_guests says why')
  })
})
