import { BOB_CARDS, BOB_PAPERS, boards, firm, firms, IN_BOARDS, person, type Stranger } from './parts.ts'

const CHANGED_CARDS = `select count(*)::int as n from cards where board_id = 2 and body = 'taken'`
const CHANGED_PAPERS = `select count(*)::int as n from papers where firm = 2 and body = 'taken'`
const GONE_PAPERS = `select (1 - count(*))::int as n from papers where firm = 2`

/** Each lets ann at rows of bob, as the attack in plain SQL shows. */
export const LEAKY: Readonly<Record<string, Stranger>> = {
  'members write their own membership': boards(
    `create policy c on cards using (${IN_BOARDS}); grant insert on board_people to {app};
     create policy join_any on board_people for insert with check (person = ${person});`,
    [`insert into board_people values (2, 'ann', 'guest')`, BOB_CARDS],
  ),
  'a member moves the membership': boards(
    `create policy c on cards using (${IN_BOARDS}); grant update on board_people to {app};
     create policy own_row on board_people for update using (person = ${person}) with check (person = ${person});`,
    [`update board_people set board_id = 2`, BOB_CARDS],
  ),
  'one table of a members schema without row security': boards(`alter table cards disable row level security;`, [
    BOB_CARDS,
  ]),
  'a members table that everybody writes': boards(
    `create policy c on cards using (${IN_BOARDS}); grant insert on board_people to {app};
     create policy invite on board_people for insert with check (true);`,
    [`insert into board_people values (2, 'ann', 'guest')`, BOB_CARDS],
  ),
  'a membership in anything is enough': boards(
    `create policy c on cards using (exists (select 1 from board_people p where p.person = ${person}));`,
    [BOB_CARDS],
  ),
  'a helper that asks whether somebody is a member': boards(
    `create function is_member(board int) returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp
       as $$ begin return exists (select 1 from public.board_people p where p.board_id = board); end $$;
     create policy c on cards using (is_member(board_id));`,
    [BOB_CARDS],
  ),
  'UPDATE behind an opaque function': boards(
    `create function may_edit(card int) returns boolean language plpgsql stable as $$ declare k text := 'x' || card; begin return length(k) > 0; end $$;
     create policy s on cards for select using (${IN_BOARDS}); create policy u on cards for update using (may_edit(id)) with check (may_edit(id));`,
    [`update cards set body = 'taken'`],
    { look: CHANGED_CARDS },
  ),
  'DELETE behind an opaque function': firms(
    `create function may_drop(paper int) returns boolean language plpgsql stable as $$ declare k text := 'x' || paper; begin return length(k) > 0; end $$;
     create policy s on papers for select using (firm = (select ${firm})); create policy d on papers for delete using (may_drop(id));`,
    [`delete from papers`],
    { look: GONE_PAPERS },
  ),
  'soft-deleted rows of everybody': firms(
    `create policy p on papers for select using (firm = (select ${firm}) or gone_at is not null);`,
    [BOB_PAPERS],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'); insert into papers values (20, 2, 'of bob', true, now());`,
    },
  ),
  'public rows that everybody may change': firms(
    `create policy p on papers using (firm = (select ${firm}) or not hidden) with check (true);`,
    [`update papers set body = 'taken'`],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'); insert into papers values (20, 2, 'of bob', false);`,
      look: CHANGED_PAPERS,
    },
  ),
  'a view with the rights of its owner': firms(
    `create policy p on papers using (firm = (select ${firm})); create view all_papers as select * from papers; grant select on all_papers to {app};`,
    [`select count(*)::int as n from all_papers where firm = 2`],
  ),
  'a stored copy of the rows': firms(
    `create policy p on papers using (firm = (select ${firm})); create materialized view paper_list as select * from papers; grant select on paper_list to {app};`,
    [`select count(*)::int as n from paper_list where firm = 2`],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'), (20, 2, 'of bob'); refresh materialized view paper_list;`,
    },
  ),
  'a definer function that takes the firm': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create function papers_of(wanted int) returns setof papers language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select * from public.papers where firm = wanted $$;`,
    [`select count(*)::int as n from papers_of(2)`],
  ),
  'a definer function that asks only whether somebody is there': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create function papers_of(wanted int) returns setof papers language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
       begin if current_setting('app.firm', true) is null then raise exception 'who?'; end if; return query select * from public.papers where papers.firm = wanted; end $$;`,
    [`select count(*)::int as n from papers_of(2)`],
  ),
  'a helper that opens when nobody is there': firms(
    `create function mine(f int) returns boolean language plpgsql stable as $$ begin if ${firm} is null then return true; end if; return f = ${firm}; end $$;
     create policy p on papers using (mine(firm));`,
    [BOB_PAPERS],
    { session: `select set_config('app.firm', '', false)`, own: 'select 1 as n' },
  ),
  'a policy that trusts the login': firms(
    `create function may_see(f int) returns boolean language plpgsql stable as $$ begin if session_user like 'case_app%' then return true; end if; return f = ${firm}; end $$;
     create policy p on papers using (may_see(firm));`,
    [BOB_PAPERS],
  ),
  'lines without a policy of their own': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create table lines (id int primary key, paper int not null references papers (id), body text); grant select on lines to {app};`,
    [`select count(*)::int as n from lines where paper = 20`],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'), (20, 2, 'of bob'); insert into lines values (1, 10, 'x'), (2, 20, 'y');`,
    },
  ),
  'a restriction for reads alone': firms(
    `create policy everything on papers using (true) with check (true);
     create policy wall on papers as restrictive for select using (firm = (select ${firm}));`,
    [`update papers set body = 'taken'`],
    { look: CHANGED_PAPERS },
  ),
  'a flag that any session sets': firms(
    `create policy p on papers using (firm = (select ${firm}) or current_setting('app.staff', true) = 'on-call');`,
    [`select set_config('app.staff', 'on-call', false)`, BOB_PAPERS],
  ),
  'password hashes in a table for all': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create table people (id int primary key, login text not null, password_hash text not null); grant select on people to {app};`,
    [`select count(*)::int as n from people where login = 'bob'`],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'), (20, 2, 'of bob'); insert into people values (1, 'ann', 'h1'), (2, 'bob', 'h2');`,
    },
  ),
}
