// A migration tool must reach the database of the run only, whichever variables it reads.
import { expect, it } from 'vitest'
import { commandEnvironment } from '../../src/config/command-environment.ts'

const DATABASE = { url: 'postgres://postgres:s%40fe@127.0.0.1:6543/partywall_verify', name: 'partywall_verify' }
const PARTS = { HOST: '127.0.0.1', PORT: '6543', USER: 'postgres', PASSWORD: 's@fe' }
const of = (inherited: Readonly<Record<string, string>>, ...files: readonly string[]) =>
  commandEnvironment(inherited, files, DATABASE.url)

it.each(['DB_', 'DATABASE_', 'POSTGRES_', 'POSTGRESQL_', 'PG_', 'TYPEORM_', 'PG'])(
  'sets the variables that begin with %s, also if nothing names them',
  (prefix) => {
    const environment = of({ PATH: '/bin' })
    for (const [ending, value] of Object.entries(PARTS)) expect(environment[`${prefix}${ending}`]).toBe(value)
    expect(environment[`${prefix}DATABASE`]).toBe('partywall_verify')
    expect(environment['PATH']).toBe('/bin')
  },
)

it.each(['DATABASE_URL', 'POSTGRES_URL', 'DB_URL', 'DIRECT_URL', 'TYPEORM_URL'])('sets the URL %s', (name) => {
  expect(of({})[name]).toBe(DATABASE.url)
})

it('replaces each URL of PostgreSQL, of the environment and of env files', () => {
  const environment = of(
    {
      CRM_CONNECTION: 'postgresql://u:p@live.example.com/crm',
      REDIS_URL: 'redis://127.0.0.1',
      SPRING_URL: 'jdbc:postgresql://live/crm',
    },
    'OTHER_CONNECTION="postgres://u:p@live.example.com/crm"\nNAME=x',
  )
  expect(environment).toMatchObject({
    CRM_CONNECTION: DATABASE.url,
    OTHER_CONNECTION: DATABASE.url,
    REDIS_URL: 'redis://127.0.0.1',
    SPRING_URL: 'jdbc:postgresql://127.0.0.1:6543/partywall_verify',
    FLYWAY_URL: 'jdbc:postgresql://127.0.0.1:6543/partywall_verify',
  })
  expect(environment['NAME']).toBeUndefined()
})

it('replaces sets of the project’s own, and leaves other servers and the application’s name alone', () => {
  const environment = of(
    { CRM_HOST: 'live', CRM_USER: 'u', CRM_DATABASE: 'crm', REDIS_HOST: 'r', REDIS_DB: '1', REDIS_USER: 'u' },
    'MAIN_DB_HOST=live\nMAIN_DB_NAME=main\nAPP_NAME=shop\nAPP_HOST=0.0.0.0\nAPP_PORT=3000',
  )
  expect(environment).toMatchObject({
    CRM_HOST: '127.0.0.1',
    CRM_DATABASE: 'partywall_verify',
    MAIN_DB_HOST: '127.0.0.1',
    MAIN_DB_NAME: 'partywall_verify',
    REDIS_HOST: 'r',
    REDIS_DB: '1',
  })
  for (const name of ['APP_NAME', 'APP_HOST', 'APP_PORT']) expect(environment[name]).toBeUndefined()
})

it('takes away what leads libpq to another server, and keeps the shadow database of Prisma', () => {
  const shadow = 'postgres://u:p@127.0.0.1/shadow'
  const environment = of({
    PGHOSTADDR: '10.0.0.1',
    PGSERVICE: 'live',
    SHADOW_DATABASE_URL: shadow,
  })
  expect([environment['PGHOSTADDR'], environment['PGSERVICE']]).toEqual([undefined, undefined])
  expect(environment['SHADOW_DATABASE_URL']).toBe(shadow)
})
