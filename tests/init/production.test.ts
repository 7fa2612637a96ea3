import { expect, it } from 'vitest'
import { productionSigns } from '../../src/init/production.ts'

it.each([
  'postgres://u:p@localhost:5432/app',
  'postgres://u:p@127.0.0.1/app',
  'postgres://u:p@[::1]/app',
  'postgres://u:p@db:5432/app',
  'postgres://u:p@192.168.1.4/products',
  'postgres://u:p@10.0.0.3/app',
  'postgres://u:p@pg.internal/app',
  'postgres:///app?host=/var/run/postgresql',
])('nothing speaks for production in %s', (url) => {
  expect(productionSigns(url, {})).toEqual([])
})

it.each([
  ['postgres://u:p@db.example.com/app', /db\.example\.com/],
  ['postgres://u:p@8.8.8.8/app', /8\.8\.8\.8/],
  ['postgres://u:p@172.32.0.1/app', /172\.32/],
  // pg connects to the host of the query.
  ['postgres://u:p@localhost/app?host=db.example.com', /db\.example\.com/],
  ['postgres://u:p@localhost/app_prod', /name of the database/],
  ['postgres://production:p@localhost/app', /name of the user/],
  ['postgres://u:p@prod-db/app', /name of the host/],
])('%s looks like production', (url, sign) => {
  expect(productionSigns(url, {}).join()).toMatch(sign)
})

it('NODE_ENV=production is a sign, whatever the URL', () => {
  expect(productionSigns('postgres://u:p@localhost/app', { NODE_ENV: 'production' })).toEqual([
    'NODE_ENV is production',
  ])
})
