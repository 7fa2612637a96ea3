/** A schema in a shape unlike partywall's own, with what an attacker does to it in plain SQL. */
export interface Stranger {
  /** `{app}` is the login; `{owner}` owns nothing here. Tables belong to the migration's superuser, as in most schemas. */
  readonly schema: string
  /** Rows of ann (tenant 1) and bob (tenant 2). */
  readonly seed: string
  /** How the attacker's session opens: it is ann's. */
  readonly session: string
  /** What ann runs; a refusal is an answer. The last statement counts what is bob's and was reached; `{look}` runs as superuser. */
  readonly attack: readonly string[]
  /** Counted as superuser after the attack, where the attack shows nothing itself. */
  readonly look?: string
  /** Of ann's own rows that she must see. Default: not asked. */
  readonly own?: string
  /** Roles in braces that only this schema has, for verify's default app role. */
  readonly appRole?: string
}

export const person = `nullif(current_setting('app.person', true), '')`
export const firm = `nullif(current_setting('app.firm', true), '')::int`

/** Boards with a table of members: the person is known, the board is what rows belong to. */
const BOARDS = `
  create table boards (id int primary key, label text);
  create table board_people (board_id int not null references boards (id), person text not null, rank text not null default 'guest', primary key (board_id, person));
  create table cards (id int primary key, board_id int not null references boards (id), body text);
  create index on cards (board_id);
  alter table boards enable row level security; alter table board_people enable row level security; alter table cards enable row level security;
  grant select on boards, board_people to {app}; grant select, insert, update, delete on cards to {app};
  create policy people on board_people for select using (person = ${person});
  create policy mine on boards for select using (exists (select 1 from board_people p where p.board_id = boards.id and p.person = ${person}));`
const BOARDS_SEED = `insert into boards values (1, 'a'), (2, 'b'); insert into board_people values (1, 'ann', 'chief'), (2, 'bob', 'chief');
  insert into cards values (10, 1, 'of ann'), (20, 2, 'of bob');`
export const IN_BOARDS = `board_id in (select board_id from board_people where person = ${person})`
const ANN = `select set_config('app.person', 'ann', false)`

/** Firms whose id the session names. */
const FIRMS = `
  create table firms (id int primary key, label text);
  create table papers (id int primary key, firm int not null references firms (id), body text, hidden boolean not null default true, gone_at timestamptz);
  create index on papers (firm);
  alter table firms enable row level security; alter table papers enable row level security;
  create policy mine on firms for select using (id = (select ${firm}));
  grant select on firms to {app}; grant select, insert, update, delete on papers to {app};`
const FIRMS_SEED = `insert into firms values (1, 'a'), (2, 'b'); insert into papers values (10, 1, 'of ann'), (20, 2, 'of bob');`
const FIRM_1 = `select set_config('app.firm', '1', false)`

export const boards = (schema: string, attack: readonly string[], more: Partial<Stranger> = {}): Stranger => ({
  schema: `${BOARDS}${schema}`,
  seed: BOARDS_SEED,
  session: ANN,
  attack,
  own: `select count(*)::int as n from cards where board_id = 1`,
  ...more,
})

export const firms = (schema: string, attack: readonly string[], more: Partial<Stranger> = {}): Stranger => ({
  schema: `${FIRMS}${schema}`,
  seed: FIRMS_SEED,
  session: FIRM_1,
  attack,
  own: `select count(*)::int as n from papers where firm = 1`,
  ...more,
})

export const BOB_CARDS = `select count(*)::int as n from cards where board_id = 2`
export const BOB_PAPERS = `select count(*)::int as n from papers where firm = 2`
