import { BOB_CARDS, BOB_PAPERS, boards, firm, firms, IN_BOARDS, person, type Stranger } from './parts.ts'

const TRY_CARDS = [`update cards set body = 'taken'`, `insert into cards values (99, 2, 'planted')`, BOB_CARDS]
const TRY_PAPERS = [`update papers set body = 'taken'`, `insert into papers values (99, 2, 'planted')`, BOB_PAPERS]
const TOUCHED_CARDS = `select count(*)::int as n from cards where board_id = 2 and body <> 'of bob'`
const TOUCHED_PAPERS = `select (count(*) filter (where body <> 'of bob'))::int as n from papers where firm = 2`

/** Of each, ann reads her own rows and none of bob's, as the same attacks in plain SQL show. */
export const CLEAN: Readonly<Record<string, Stranger>> = {
  'members, asked by IN': boards(`create policy c on cards using (${IN_BOARDS});`, TRY_CARDS, { look: TOUCHED_CARDS }),
  'members, asked by EXISTS': boards(
    `create policy c on cards using (exists (select 1 from board_people p where p.board_id = cards.board_id and p.person = ${person}));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members, asked by an array': boards(
    `create policy c on cards using (board_id = any (array(select p.board_id from board_people p where p.person = ${person})));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members, asked by a join': boards(
    `create policy c on cards using (board_id in (select b.id from boards b join board_people p on p.board_id = b.id where p.person = ${person}));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members, asked by a definer list': boards(
    `create function my_boards() returns setof int language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select board_id from public.board_people where person = ${person} $$;
     create policy c on cards using (board_id in (select my_boards()));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members, asked by PL/pgSQL': boards(
    `create function in_board(board int) returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp
       as $$ begin return exists (select 1 from public.board_people p where p.board_id = board and p.person = ${person}); end $$;
     create policy c on cards using (in_board(board_id));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members, and only chiefs write': boards(
    `create policy s on cards for select using (${IN_BOARDS});
     create policy u on cards for update using (board_id in (select board_id from board_people where person = ${person} and rank = 'chief'));`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'members who leave by themselves': boards(
    `create policy c on cards using (${IN_BOARDS}); grant delete on board_people to {app}; create policy leave on board_people for delete using (person = ${person});`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'rows of a person alone': {
    schema: `create table jots (id int primary key, writer text not null, body text); create index on jots (writer);
      alter table jots enable row level security; grant select, insert, update, delete on jots to {app};
      create policy mine on jots using (writer = (select ${person})) with check (writer = (select ${person}));`,
    seed: `insert into jots values (1, 'ann', 'x'), (2, 'bob', 'y');`,
    session: `select set_config('app.person', 'ann', false)`,
    attack: [`update jots set writer = 'bob'`, `select count(*)::int as n from jots where writer = 'bob'`],
    own: `select count(*)::int as n from jots where writer = 'ann'`,
  },
  'people and machines, each with a context of its own': boards(
    `create policy c on cards to {app} using (${IN_BOARDS});
     create policy r on cards to {robot} using (board_id = nullif(current_setting('robot.board', true), '')::int);
     grant select, insert, update, delete on cards to {robot};`,
    TRY_CARDS,
    { look: TOUCHED_CARDS },
  ),
  'a policy that lets the migrator in by its login': firms(
    `create function may_see(f int) returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as $$ begin if session_user = 'postgres' then return true; end if; return f = ${firm}; end $$;
     create policy p on papers using (may_see(firm)) with check (may_see(firm));`,
    TRY_PAPERS,
    { look: TOUCHED_PAPERS },
  ),
  'soft delete inside the firm': firms(
    `create policy p on papers using (firm = (select ${firm}) and gone_at is null) with check (firm = (select ${firm}));`,
    TRY_PAPERS,
    { look: TOUCHED_PAPERS },
  ),
  'public rows that all read and nobody else writes': firms(
    `create policy s on papers for select using (firm = (select ${firm}) or not hidden);
     create policy w on papers for update using (firm = (select ${firm})) with check (firm = (select ${firm}));`,
    TRY_PAPERS,
    { look: TOUCHED_PAPERS },
  ),
  'a definer function that raises for strangers': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create function papers_of(wanted int) returns setof papers language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
       begin if wanted is distinct from ${firm} then raise exception 'not yours'; end if; return query select * from public.papers where papers.firm = wanted; end $$;`,
    [`select count(*)::int as n from papers_of(2)`],
  ),
  'a definer function with a guard that it calls': boards(
    `create policy c on cards using (${IN_BOARDS});
     create function assert_member(board int) returns void language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
       begin if not exists (select 1 from public.board_people p where p.board_id = board and p.person = ${person}) then raise exception 'no member'; end if; end $$;
     create function cards_of(board int) returns setof cards language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
       begin perform public.assert_member(board); return query select * from public.cards where board_id = board; end $$;`,
    [`select count(*)::int as n from cards_of(2)`],
  ),
  'a look-up by a token that only its holder has': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create table invitations (id int primary key, firm int not null references firms (id), token text not null unique);
     create index on invitations (firm); alter table invitations enable row level security;
     create function invitation(given text) returns setof invitations language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select * from public.invitations where token = given $$;`,
    [`select count(*)::int as n from invitation('a guess')`],
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'), (20, 2, 'of bob'); insert into invitations values (1, 2, 'long and random');`,
    },
  ),
  'a second factor beside the firm': firms(
    `create policy p on papers using (firm = (select ${firm}));
     create policy strong on papers as restrictive using (current_setting('app.factor', true) = 'two');`,
    [`select set_config('app.factor', 'two', false)`, ...TRY_PAPERS],
    { look: TOUCHED_PAPERS, own: `select 1 as n` },
  ),
  'a state beside the firm': firms(
    `alter table papers add column state text not null default 'draft' check (state in ('draft', 'open'));
     create policy p on papers using (firm = (select ${firm}) and state = 'open');`,
    TRY_PAPERS,
    {
      seed: `insert into firms values (1, 'a'), (2, 'b'); insert into papers (id, firm, body, state) values (10, 1, 'of ann', 'open'), (20, 2, 'of bob', 'open');`,
      look: TOUCHED_PAPERS,
    },
  ),
  'firm and person together': firms(
    `alter table papers add column writer text not null default 'ann';
     create policy p on papers using (firm = (select ${firm}) and writer = ${person});`,
    [`select set_config('app.person', 'ann', false)`, ...TRY_PAPERS],
    { look: TOUCHED_PAPERS, own: `select 1 as n` },
  ),
  'a view that reads as its caller': firms(
    `create policy p on papers using (firm = (select ${firm})); create view all_papers with (security_invoker = true) as select * from papers; grant select on all_papers to {app};`,
    [`select count(*)::int as n from all_papers where firm = 2`],
  ),
}
