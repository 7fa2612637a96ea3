// The same error of PostgreSQL has the same meaning, whichever library wrapped it.
import { beforeAll, describe, expect, it } from 'vitest'
import { TenantContextMissingError } from '../../src/errors.ts'
import { databaseRefusal } from '../../src/repository/index.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const wrap = (text: string, inside: object) => Object.assign(new Error(text), inside)
const WRAPPED: Record<string, (error: Error) => Error> = {
  pg: (error) => error,
  Drizzle: (error) => new Error('Failed query', { cause: error }),
  'Sequelize, parent': (error) => wrap('SequelizeDatabaseError', { parent: error }),
  'Sequelize, original': (error) => wrap('SequelizeDatabaseError', { original: error }),
  Objection: (error) => wrap('DBError', { nativeError: error }),
  TypeORM: (error) => wrap('QueryFailedError', { driverError: error }),
  Prisma: (error) =>
    wrap('P2010', {
      code: 'P2010',
      meta: {
        driverAdapterError: wrap('DriverAdapterError', {
          cause: { kind: 'postgres', originalCode: Reflect.get(error, 'code'), originalMessage: 'a message' },
        }),
      },
    }),
  'a wrapper around a wrapper that refers to itself': (error) => {
    const outer = wrap('outer', { cause: wrap('inner', { parent: error }) })
    return Object.assign(outer, { original: outer })
  },
}

describe.each(Object.entries(WRAPPED))('an error as %s throws it', (_name, wrapped) => {
  let two: TwoTenants
  beforeAll(async () => {
    two = await createTwoTenants()
  })
  it.each([
    [
      'a unique violation',
      "insert into projects (id, name) select id, 'again' from projects limit 1",
      'PARTYWALL_CONFLICT',
    ],
    ['a value that cannot be cast', "select 'x'::uuid", 'PARTYWALL_INVALID_INPUT'],
    [
      'a row of another tenant',
      "insert into projects (tenant_id, name) values ('OTHER', 'x')",
      'PARTYWALL_TENANT_ISOLATION',
    ],
  ])('%s', async (_what, text, code) => {
    const pool = two.pool()
    try {
      const error = await two
        .as(two.a, () => pool.query(text.replace('OTHER', two.b.id)))
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      if (error instanceof Error) expect(databaseRefusal(wrapped(error))).toMatchObject({ code })
    } finally {
      await pool.end()
    }
  })
})

it('an error of partywall is found inside', () => {
  const refusal = new TenantContextMissingError('no context')
  for (const wrapped of Object.values(WRAPPED).filter((each) => each !== WRAPPED['Prisma']))
    expect(databaseRefusal(wrapped(refusal))).toBe(refusal)
})

it('an error that only copied the code of partywall, as Prisma makes it, has the meaning of the code', () => {
  const copied = wrap('Invalid invocation', { code: 'PARTYWALL_CONTEXT_MISSING', meta: {}, clientVersion: '7' })
  expect(databaseRefusal(copied)).toBeInstanceOf(TenantContextMissingError)
  const unknown = wrap('Invalid invocation', { code: 'PARTYWALL_NOT_FOUND', meta: {} })
  expect(databaseRefusal(unknown)).toBe(unknown)
})

it('an error to which the application gave a status keeps it', () => {
  const own = wrap('Teapot', { status: 418, cause: wrap('duplicate', { code: '23505' }) })
  expect(databaseRefusal(own)).toBe(own)
})
