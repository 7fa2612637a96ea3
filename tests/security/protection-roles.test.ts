import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { makeRolesAllTheTime } from '../setup/roles-of-others.ts'
import { afterwards, createWatched, type Watched } from '../setup/watched.ts'

// Roles belong to the whole server, which other test files use at the same moment: the login of this wall is its own.
const login = `watched_${randomUUID().slice(0, 8)}`
const other = `other_${randomUUID().slice(0, 8)}`

describe('roles, memberships and settings', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  beforeAll(async () => {
    watched = await createWatched({}, async (made) => {
      await made.admin(`create role ${login} login password 'watched' noinherit;
        grant tenant_user to ${login} with inherit false, set true; grant tenant_admin to ${login} with inherit false, set true;
        grant connect on database ${made.name} to ${login};
        create role ${other} nologin; grant usage on schema public to ${login}, ${other}`)
      const url = new URL(made.appUrl)
      url.username = login
      url.password = 'watched'
      return { database: { url: url.href, max: 4 } }
    })
    afterwards(watched.database, `drop owned by ${login}, ${other}`, `drop role ${login}`, `drop role ${other}`)
  })

  it.each([
    ['BYPASSRLS', `alter role ${login} bypassrls`, `alter role ${login} nobypassrls`, login],
    ['a superuser’s attribute', `alter role ${login} superuser`, `alter role ${login} nosuperuser`, login],
    [
      'membership of the role that reads all tenants',
      `grant partywall_cross to ${login}`,
      `revoke partywall_cross from ${login}`,
      'partywall_cross',
    ],
    [
      'membership of a role that owns tables',
      `grant app_owner to ${login}`,
      `revoke app_owner from ${login}`,
      'app_owner',
    ],
    [
      'membership of a role that bypasses row security, through another',
      `alter role ${other} bypassrls; grant ${other} to ${login}`,
      `revoke ${other} from ${login}; alter role ${other} nobypassrls`,
      other,
    ],
    [
      'a stored row_security',
      `alter role ${login} set row_security = off`,
      `alter role ${login} reset row_security`,
      login,
    ],
    [
      'a stored search_path',
      `alter role ${login} set search_path = pg_temp, public`,
      `alter role ${login} reset search_path`,
      login,
    ],
    ['a stored role', `alter role ${login} set role = tenant_admin`, `alter role ${login} reset role`, login],
    [
      'a stored tenant in this database',
      `do $$ begin execute format('alter role ${login} in database %I set app.current_tenant_id = ''x''', current_database()); end $$`,
      `do $$ begin execute format('alter role ${login} in database %I reset app.current_tenant_id', current_database()); end $$`,
      login,
    ],
    [
      'a stored session_replication_role',
      `alter role ${login} set session_replication_role = replica`,
      `alter role ${login} reset session_replication_role`,
      login,
    ],
    [
      'TRUNCATE on a tenant table',
      'grant truncate on public.documents to tenant_user',
      'revoke truncate on public.documents from tenant_user',
      'documents',
    ],
    [
      'CREATE on a schema',
      `grant create on schema public to ${login}`,
      `revoke create on schema public from ${login}`,
      'public',
    ],
    [
      'ownership of a tenant table',
      `alter table public.documents owner to ${login}`,
      'alter table public.documents owner to app_owner',
      login,
    ],
  ])('are noticed when the login gets %s', async (_change, change, undo, object) => {
    await run(change)
    await watched.lost(object)
    await run(undo)
    await watched.back()
  })

  it('are noticed when the login joins a role for whom a policy is wider, and the seal does not bind it', async () => {
    await run(
      `grant select on public.documents to ${other}`,
      `create policy wide on public.documents for select to ${other} using (true)`,
    )
    await watched.accepted(/wide on public\.documents/)
    await run(`grant ${other} to ${login}`)
    await watched.lost('documents')
    await run(`revoke ${other} from ${login}`)
    await watched.back()
  })

  it('are looked at and accepted when the login inherits what it could become anyway', async () => {
    await run(`alter role ${login} inherit`)
    await watched.accepted(new RegExp(`role ${login}`))
    // The seal's policies do not name the login: what it inherits, it has without a seal.
    await run(`grant tenant_user to ${login} with inherit true`)
    await watched.lost('documents')
    await run(`grant tenant_user to ${login} with inherit false`)
    await watched.back()
  })
})

it('roles that others make on the server all the time are not reported, and do not keep the watch from beginning', async () => {
  const server = inject('postgres').url
  const others = await makeRolesAllTheTime(server, 20)
  try {
    const watched = await createWatched()
    await watched.database.admin('create table public.noticed (id int)')
    await watched.accepted(/noticed/)
    expect(watched.notes.filter((note) => note.includes('passing_'))).toEqual([])
    expect(watched.told).toEqual([])
  } finally {
    expect(await others.stop()).toBeGreaterThan(2)
  }
})
