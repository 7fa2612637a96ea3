import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-shared-name', {
  base: FLEET,
  object: 'public.notes',
  proof: 'static',
  fixMends: false,
  hole: `create table public.notes (id int primary key, note text not null); grant select, insert on public.notes to {app};`,
  repaired: `create table public.announcements (id int primary key, note text not null); grant select on public.announcements to {app};`,
  nearMisses: {
    'a common table that the application may not use': `create table public.notes (id int primary key, note text not null);`,
  },
})
