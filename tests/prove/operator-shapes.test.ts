import { shapes, TEXT_KEYS } from './shapes.ts'

/** Made under a path where an `=` of one's own comes first; what the server prints names no operator there. */
const under = (predicate: string) => ({
  policy: `set search_path = app, pg_catalog, public; create policy p on {t} using (${predicate}); set search_path = public`,
})

shapes(
  'operators of one’s own where none is named',
  {
    ...TEXT_KEYS,
    base: `${TEXT_KEYS.base} create function app.same (text, text) returns boolean language sql immutable as 'select true';
      create operator app.= (leftarg = text, rightarg = text, function = app.same);`,
  },
  {
    leaking: {
      'CASE x WHEN': under('case tenant_id when {CTX} then true end'),
      'JOIN USING': under(
        'exists (select from (select {CTX} as k) a join (select {t}.tenant_id as k) b using (k) where b.k is not null)',
      ),
    },
    holding: { 'the server’s own =': { policy: 'create policy p on {t} using (tenant_id = {CTX})' } },
  },
)

const nested = (depth: number) => `${'('.repeat(depth)}1${' + 1)'.repeat(depth)}`
/** Each CTE reads the one before it twice. */
const doubling = Array.from({ length: 24 }, (_, at) => `c${at + 1} as (select a.id from c${at} a, c${at} b)`).join(', ')

shapes('policies beyond any bound', TEXT_KEYS, {
  leaking: {
    'a predicate nested deep': { policy: `create policy p on {t} using (tenant_id = {CTX} or ${nested(600)} > 0)` },
    'CTEs that double': {
      setup: 'create table {t}one (id int); insert into {t}one values (1); grant select on {t}one to {app}',
      policy: `create policy p on {t} using (exists (with c0 as (select o.id from {t}one o), ${doubling} select from c24))`,
    },
    'more branches than can be counted': {
      policy: `create policy p on {t} using (${Array.from({ length: 40 }, (_, at) => `(rank = ${at} or title <> 'x${at}')`).join(' and ')})`,
    },
  },
})
