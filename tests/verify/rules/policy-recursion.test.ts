import { ruleCase } from '../rule-case.ts'

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
