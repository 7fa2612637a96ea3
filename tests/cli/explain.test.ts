import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { runExplain } from '../../cli/explain/run-explain.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})
afterEach(() => {
  vi.unstubAllEnvs()
  process.exitCode = undefined
})

interface Asked {
  readonly secret?: string
  readonly flags?: Readonly<Record<string, unknown>>
}

async function run(
  tenant: string,
  row: string,
  { secret = two.database.sealSecret, flags = {} }: Asked,
  json: boolean,
) {
  vi.stubEnv('PARTYWALL_SEAL_SECRET', secret)
  const lines: string[] = []
  const given = {
    tenant,
    table: 'documents',
    row: [row],
    verb: 'select',
    databaseUrl: two.database.adminUrl,
    appRole: 'app',
    sealSecretEnv: 'PARTYWALL_SEAL_SECRET',
    json,
    ...flags,
  }
  await runExplain(given, (line) => lines.push(line))
  return lines.join('\n')
}

/** The answer for the document of tenant A. */
async function explain(tenant: { readonly id: string }, asked: Asked = {}) {
  const { outcome, foreign, conclusion, answers } = JSON.parse(
    await run(tenant.id, `id=${two.a.documentId}`, asked, true),
  )
  const { readings } = answers[0]
  const hiding = readings
    .filter((reading: { verdict: string }) => reading.verdict === 'hides')
    .map((reading: { what: string }) => reading.what)
  return { outcome, foreign, conclusion, hiding, exit: process.exitCode, readings, answers }
}

/** Changes the database for one test. */
async function having<T>(change: string, undo: string, fn: () => Promise<T>): Promise<T> {
  await two.database.admin(change)
  try {
    return await fn()
  } finally {
    await two.database.admin(undo)
  }
}

describe('partywall explain', { timeout: 60_000 }, () => {
  it('shows that a tenant sees its own row, as PostgreSQL does', async () => {
    expect(await explain(two.a)).toMatchObject({ outcome: 'visible', foreign: false, hiding: [], exit: 0 })
  })

  it('says whose the row is, and which policy keeps it', async () => {
    const { outcome, foreign, conclusion, hiding, exit } = await explain(two.b)
    expect({ outcome, foreign, exit }).toEqual({ outcome: 'hidden', foreign: true, exit: 1 })
    expect(conclusion).toBe(`Hidden because the row belongs to tenant ${two.a.id}.`)
    expect(hiding).toContain('policy tenant_isolation_policy')
  })

  it('says that there is no such row', async () => {
    const printed = await run(two.a.id, 'id=00000000-0000-4000-8000-000000000000', {}, false)
    expect(printed).toContain('No row of the table has these values. No policy hides it.')
    expect(process.exitCode).toBe(1)
  })

  it('names a policy of the application, with its expression', () =>
    having(
      `create policy not_archived on documents as restrictive for select to public using (title not like 'arch%');
       update documents set title = 'archived' where id = '${two.a.documentId}'`,
      `drop policy not_archived on documents; update documents set title = 'open' where id = '${two.a.documentId}'`,
      async () => {
        const { outcome, conclusion } = await explain(two.a)
        expect({ outcome, conclusion }).toEqual({
          outcome: 'hidden',
          conclusion: 'Hidden by policy not_archived (restrictive).',
        })
        const printed = await run(two.a.id, `id=${two.a.documentId}`, {}, false)
        expect(printed).toMatch(
          /✗ policy not_archived \(restrictive\): It is false for the row\.\n +\(title !~~ 'arch%'::text\)/,
        )
      },
    ))

  it('says that an expression is null, which hides as false does', () =>
    having(
      `create policy by_flag on documents as restrictive for select to public using (nullif(title, title) = 'x')`,
      'drop policy by_flag on documents',
      async () => {
        const { readings } = await explain(two.a)
        expect(readings).toContainEqual(
          expect.objectContaining({ sentence: 'It is null, which counts as false, for the row.' }),
        )
      },
    ))

  it('evaluates subqueries of a policy as the tenant sees their tables', () =>
    having(
      `create policy of_project on documents as restrictive for select to public
         using (exists (select from projects p where p.name = 'of b'));
       update projects set name = 'of b' where id = '${two.b.projectId}'`,
      'drop policy of_project on documents',
      async () => {
        // A superuser would find the project of tenant B, and would call the policy true.
        expect(await explain(two.a)).toMatchObject({ outcome: 'hidden', hiding: ['policy of_project (restrictive)'] })
      },
    ))

  it('names a missing privilege, with the GRANT', () =>
    having('revoke select on documents from tenant_user', 'grant select on documents to tenant_user', async () => {
      const { outcome, conclusion, answers } = await explain(two.a)
      expect(outcome).toBe('depends')
      expect(conclusion).toContain('GRANT SELECT ON public.documents TO tenant_user;')
      expect(answers.map((answer: { outcome: string }) => answer.outcome)).toEqual(['hidden', 'visible'])
    }))

  it('says that no permissive policy applies', () =>
    having(
      'alter policy tenant_isolation_policy on documents to tenant_admin',
      'alter policy tenant_isolation_policy on documents to tenant_user, tenant_admin',
      async () => {
        const { outcome, readings } = await explain(two.a, { flags: { level: 'tenant_user' } })
        expect(outcome).toBe('hidden')
        expect(readings).toContainEqual(
          expect.objectContaining({ sentence: expect.stringContaining('No permissive policy applies') }),
        )
      },
    ))

  it('says loudly that a tenant sees the row of another tenant', () =>
    having(
      'alter table documents disable row level security',
      'alter table documents enable row level security',
      async () => {
        const { outcome, foreign, conclusion, exit } = await explain(two.b)
        expect({ outcome, foreign, exit }).toEqual({ outcome: 'visible', foreign: true, exit: 1 })
        expect(conclusion).toContain(`which belongs to tenant ${two.a.id}`)
      },
    ))

  it('has no answer without the secret, and says which variable is missing', async () => {
    const { outcome, conclusion, exit } = await explain(two.a, { secret: '' })
    expect({ outcome, exit }).toEqual({ outcome: 'unknown', exit: 2 })
    expect(conclusion).toContain('Set PARTYWALL_SEAL_SECRET')
  })

  it('names the seal where the secret is another one', async () => {
    const { outcome, conclusion } = await explain(two.a, {
      secret: 'another secret of more than thirty-two characters',
    })
    expect(outcome).toBe('hidden')
    expect(conclusion).toContain('Hidden by the seal.')
  })

  it('names the seal where the tenant is suspended', () =>
    having(
      `update tenants set status = 'suspended' where id = '${two.a.id}'`,
      `update tenants set status = 'active' where id = '${two.a.id}'`,
      async () => {
        const { outcome, conclusion } = await explain(two.a)
        expect(outcome).toBe('hidden')
        expect(conclusion).toContain('Is the tenant suspended')
      },
    ))

  it('judges DELETE for each level, because the database does not know which the application uses', async () => {
    const { outcome, conclusion, answers, exit } = await explain(two.a, { flags: { verb: 'delete' } })
    expect({ outcome, exit }).toEqual({ outcome: 'depends', exit: 2 })
    expect(answers).toMatchObject([
      { role: 'tenant_user', outcome: 'hidden' },
      { role: 'tenant_admin', outcome: 'visible' },
    ])
    expect(conclusion).toMatch(
      /As tenant_user: Refused: a privilege is missing: DELETE on public\.documents\..*\nAs tenant_admin: The tenant may delete the row.*\n.*--level/,
    )
    const { rows } = await two.database.admin(`select 1 from documents where id = '${two.a.documentId}'`)
    expect(rows).toHaveLength(1)
  })

  it('judges only the level or role that is given', async () => {
    const asUser = await explain(two.a, { flags: { verb: 'delete', level: 'tenant_user' } })
    expect(asUser).toMatchObject({
      outcome: 'hidden',
      exit: 1,
      hiding: ['DELETE on public.documents', 'policy tenant_level_policy (restrictive)'],
    })
    for (const flags of [{ level: 'tenant_admin' }, { role: 'tenant_admin' }]) {
      const asAdmin = await explain(two.a, { flags: { verb: 'delete', ...flags } })
      expect(asAdmin).toMatchObject({ outcome: 'visible', hiding: [], exit: 0 })
      expect(asAdmin.conclusion).toContain('were not run')
    }
  })

  it('calls a GRANT a fix only if the policies let the row pass', async () => {
    const { conclusion } = await explain(two.a, { flags: { verb: 'delete', level: 'tenant_user' } })
    expect(conclusion).toContain('A GRANT alone does not help. Hidden by policy tenant_level_policy')
    expect(conclusion).not.toContain('Fix')
  })

  it('prints a GRANT for each level, and each of them cures for its level', async () => {
    const table = { table: 'tenants', row: [`id=${two.a.id}`], verb: 'update' }
    const before = await explain(two.a, { flags: table })
    expect(before.outcome).toBe('hidden')
    for (const level of ['tenant_user', 'tenant_admin']) {
      const grant = `GRANT UPDATE ON public.tenants TO ${level};`
      expect(before.conclusion).toContain(grant)
      await having(grant, `revoke update on tenants from ${level}`, async () => {
        expect(await explain(two.a, { flags: { ...table, level } })).toMatchObject({ outcome: 'visible', exit: 0 })
        expect(await explain(two.a, { flags: table })).toMatchObject({ outcome: 'depends', exit: 2 })
      })
    }
  })

  it('names the columns, where an UPDATE is granted on some columns only', () =>
    having(
      'grant update (name) on tenants to tenant_user',
      'revoke update (name) on tenants from tenant_user',
      async () => {
        const { outcome, conclusion, readings } = await explain(two.a, {
          flags: { table: 'tenants', row: [`id=${two.a.id}`], verb: 'update', level: 'tenant_user' },
        })
        expect(outcome).toBe('visible')
        expect(conclusion).toContain('The tenant may update these columns of the row: name, as far as')
        expect(readings).toContainEqual(
          expect.objectContaining({ sentence: 'It is granted on these columns only: name.' }),
        )
      },
    ))

  it('says that a row belongs to no tenant where its tenant column is NULL', async () => {
    const make = `create table loose (id int primary key, tenant_id uuid references tenants);
      insert into loose values (1); grant select on loose to tenant_user, tenant_admin; alter table loose enable row level security;
      create policy own on loose using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))`
    await having(make, 'drop table loose', async () => {
      const { outcome, answers } = await explain(two.a, { flags: { table: 'loose', row: ['id=1'] } })
      expect(outcome).toBe('hidden')
      expect(JSON.stringify(answers)).toContain('It exists. tenant_id is NULL, so it belongs to no tenant.')
    })
  })

  it('names the tenant, and not the privilege, where the row of another tenant is hidden by both', async () => {
    const { outcome, foreign, conclusion, exit } = await explain(two.b, { flags: { verb: 'delete' } })
    expect({ outcome, foreign, exit }).toEqual({ outcome: 'hidden', foreign: true, exit: 1 })
    expect(conclusion).toBe(`Hidden because the row belongs to tenant ${two.a.id}.`)
  })

  it('does not name the tenant as the reason where SELECT shows the row of another tenant', async () => {
    const { rows } = await two.database.admin(
      `select string_agg(format('alter policy %I on documents using (%s)', policyname, qual), ';') as restore
         from pg_policies where tablename = 'documents' and policyname in ('tenant_seal_policy', 'tenant_isolation_policy')`,
    )
    await having(
      `alter policy tenant_seal_policy on documents using (true);
       alter policy tenant_isolation_policy on documents using (true)`,
      rows[0].restore,
      async () => {
        const { conclusion } = await explain(two.b, { flags: { verb: 'delete', level: 'tenant_user' } })
        expect(conclusion).toMatch(/^Refused: a privilege is missing: DELETE .*tenant_level_policy/)
        const asEach = await explain(two.b, { flags: { verb: 'delete' } })
        // Any code of the application can take each level, so one that reaches the row is a leak.
        expect(asEach).toMatchObject({ outcome: 'visible', foreign: true, exit: 1 })
      },
    )
  })

  it('wants SELECT too for an UPDATE, because the statement names its row', () =>
    having('revoke select on documents from tenant_user', 'grant select on documents to tenant_user', async () => {
      const { conclusion } = await explain(two.a, { flags: { verb: 'update', level: 'tenant_user' } })
      expect(conclusion).toContain('Hidden by a missing privilege: SELECT on public.documents.')
    }))

  it('judges the login too, if the login may read the table: a pool without levels runs as the login', () =>
    having('grant select on documents to app', 'revoke select on documents from app', async () => {
      const { answers } = await explain(two.a)
      const roles = answers.map(({ role }: { role: string }) => role)
      expect(roles).toEqual(['tenant_user', 'tenant_admin', 'app'])
    }))

  it.each([
    ['an unknown table', { table: 'nothing' }, /There is no table nothing/],
    ['an unknown column', { row: ['nothing=1'] }, /column t.nothing does not exist/],
    ['a value of the wrong type', { row: ['id=7'] }, /invalid input syntax for type uuid/],
    ['a row without a value', { row: ['id'] }, /name=value/],
    ['SQL in a column name', { row: ['id"=id or "id=1'] }, /does not exist/],
    ['several rows', { row: ['title=same'] }, /Several rows/],
  ])('refuses %s', async (_name, flags, message) => {
    await two.database.admin(`update documents set title = 'same'`)
    await expect(run(two.a.id, `id=${two.a.documentId}`, { flags }, true)).rejects.toThrow(message)
  })

  it('refuses the login of the application, and a role that does not see all rows', async () => {
    await expect(explain(two.a, { flags: { databaseUrl: two.database.appUrl } })).rejects.toThrow(
      /the application's login/,
    )
  })
})
