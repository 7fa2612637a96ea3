import { describe, expect, it } from 'vitest'
import { withCase } from '../../verify/rule-case.ts'

const PERSON = `nullif(current_setting('app.person', true), '')::int`

/** Halls with people, as policies find them: which column names the tenant hangs on the policies and the keys, not on its name. */
const halls = (hall: string, person: string) => `
  create table halls (id int primary key, label text);
  create table hall_people (${hall} int not null references halls (id), ${person} int not null, primary key (${hall}, ${person}));
  create table hall_notes (id int primary key, ${hall} int not null references halls (id), body text);
  alter table halls enable row level security; alter table hall_people enable row level security; alter table hall_notes enable row level security;
  grant select on halls, hall_people, hall_notes to {app};
  create policy p on hall_people for select using (${person} = ${PERSON});
  create policy h on halls for select using (id in (select ${hall} from hall_people where ${person} = ${PERSON}));
  create policy n on hall_notes for select using (exists (select 1 from hall_people p where p.${hall} = hall_notes.${hall} and p.${person} = ${PERSON}));`

const columnsOf = async (sql: string) => {
  let found: readonly string[] = []
  await withCase([`${sql} grant select on all tables in schema public to {app};`], async (verify) => {
    found = (await verify({ mode: 'static' })).summary.tenantColumns
  })
  return found
}

const tables = (columns: Readonly<Record<string, string>>) =>
  Object.entries(columns)
    .map(([name, rest]) => `create table ${name} (id int primary key${rest === '' ? '' : `, ${rest}`});`)
    .join('\n')

describe('the tenant column', () => {
  for (const [hall, person] of [
    ['hall_id', 'person'],
    ['hall_ref', 'client_id'],
    ['hall', 'account_id'],
    ['owner_id', 'tenant'],
    ['h', 'p'],
  ] as const)
    it(`is the one that policies take from a person's rows, called ${hall} beside ${person}`, async () => {
      expect(await columnsOf(halls(hall, person))).toEqual([hall])
    })

  for (const [tenant, shared, key] of [
    ['tenant_id', 'country', 'primary key (tenant_id, user_id)'],
    ['firm', 'city', 'primary key (firm, user_id)'],
    ['tenant_id', 'country', 'unique (user_id, tenant_id)'],
    ['org', 'language', 'id serial primary key'],
    ['org', 'language', 'check (true)'],
  ] as const)
    it(`is not ${shared}, by which a policy joins people and ${tenant} with ${key}`, async () => {
      const setting = `nullif(current_setting('app.current_tenant_id', true), '')::int`
      const people = (condition: string) => `
        create table users (id int primary key, name text, ${shared} text);
        create table members (${tenant} int not null, user_id int not null references users, ${shared} text, ${key});
        alter table members enable row level security; alter table users enable row level security;
        create policy p on members using (${tenant} = ${setting});
        create policy p on users using (${condition});`
      for (const condition of [
        `exists (select from members m where m.${shared} = users.${shared} and m.${tenant} = ${setting})`,
        `${shared} in (select m.${shared} from members m where m.${tenant} = ${setting})`,
      ])
        expect(await columnsOf(people(condition))).toEqual([tenant])
    })

  it('is asked for where more tables refer to a parent than to the one with the better name', async () => {
    const companies = {
      circles: 'label text',
      companies: 'circle_ref int references circles (id)',
      contacts: 'circle_ref int references circles (id), company_id int references companies (id)',
      deals: 'circle_ref int references circles (id), company_id int references companies (id)',
      visits: 'circle_ref int references circles (id), company_id int references companies (id)',
    }
    await expect(columnsOf(tables(companies))).rejects.toMatchObject({
      details: { candidates: ['company_id', 'circle_ref'] },
    })
    const people = {
      ...companies,
      users: 'label text',
      circle_users:
        'circle_ref int references circles (id), user_id int references users (id), unique (circle_ref, user_id)',
    }
    expect(await columnsOf(tables(people))).toEqual(['circle_ref'])
  })

  it('is the outer one where tenants stand in one another and no policy decides', async () => {
    expect(
      await columnsOf(
        tables({
          companies: 'label text',
          sites: 'company_id int references companies (id)',
          staff: 'company_id int references companies (id)',
          doors: 'site_id int references sites (id)',
          keys: 'site_id int references sites (id)',
          rooms: 'site_id int references sites (id)',
        }),
      ),
    ).toEqual(['company_id'])
  })

  it('is not the list that every table refers to, beside a table of tenants', async () => {
    expect(
      await columnsOf(
        tables({
          orgs: 'label text',
          currencies: 'label text',
          orders: 'org_id int references orgs (id), currency_id int references currencies (id)',
          bills: 'org_id int references orgs (id), currency_id int references currencies (id)',
          prices: 'org_id int references orgs (id), currency_id int references currencies (id)',
          rates: 'currency_id int references currencies (id)',
          coins: 'currency_id int references currencies (id)',
        }),
      ),
    ).toEqual(['org_id'])
  })

  it('is asked for where two stand close and nothing decides, with both and the flag', async () => {
    const error = await columnsOf(
      tables({
        schools: 'label text',
        clinics: 'label text',
        lessons: 'school_id int references schools (id)',
        pupils: 'school_id int references schools (id)',
        grades: 'school_id int references schools (id)',
        beds: 'clinic_id int references clinics (id)',
        patients: 'clinic_id int references clinics (id)',
      }),
    ).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
      details: { candidates: ['school_id', 'clinic_id'] },
    })
    expect(String(error)).toContain(
      'school_id (in 3 tables, refers to public.schools) and clinic_id (in 2 tables, refers to public.clinics). Name the one with --tenant-column school_id or --tenant-column clinic_id.',
    )
  })

  it('is not the person who owns the tenant, however many tables name people', async () => {
    expect(
      await columnsOf(
        tables({
          users: 'label text',
          orgs: 'owner_id int references users (id)',
          notes: 'org_id int references orgs (id), user_id int references users (id)',
          files: 'org_id int references orgs (id), user_id int references users (id)',
          sessions: 'user_id int references users (id)',
          tokens: 'user_id int references users (id)',
        }),
      ),
    ).toEqual(['org_id'])
  })

  it('is none where a key refers to no table of its name', async () => {
    await expect(
      columnsOf(tables({ kv_store: 'value text', kv_index: 'store_key int references kv_store (id)' })),
    ).rejects.toThrow('No tenant column was found')
  })

  it('is said with those that were weighed beside it', async () => {
    const sql = tables({
      orgs: 'label text',
      shops: 'label text',
      notes: 'org_id int references orgs (id)',
      files: 'org_id int references orgs (id)',
      chats: 'org_id int references orgs (id)',
      bills: 'org_id int references orgs (id), shop_id int references shops (id)',
      tills: 'shop_id int references shops (id)',
    })
    await withCase([`${sql} grant select on all tables in schema public to {app};`], async (verify) => {
      expect((await verify({ mode: 'static' })).summary.notes).toContain(
        'also weighed: shop_id (in 2 tables, refers to public.shops). --tenant-column NAME looks at one of these',
      )
    })
  })
})
