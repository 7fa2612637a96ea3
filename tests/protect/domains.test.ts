// A tenant column of a domain: the text of a tenant's id is the same as for the type below it.
import { expect, it } from 'vitest'
import { protect } from '../verify-fixes/round-trip.ts'

const NOTES = `create domain tenant_ref as uuid default '11111111-1111-4111-8111-111111111111';
  create table notes (id uuid primary key default gen_random_uuid(), tenant_id tenant_ref not null references tenants (id), note text);
  alter table notes owner to {owner};
  alter table notes enable row level security, force row level security;
  grant select, insert, update, delete on notes to {app};
  create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`

it('gets the tenant of the session as its default, and the down migration takes only that away', async () => {
  const came = await protect({ object: 'public.notes', hole: NOTES, repaired: '', nearMisses: {} })
  expect(came).toMatchObject({ errors: [], left: [], changed: [] })
  expect(came.statements).toBeGreaterThan(0)
})
