import { createHmac } from 'node:crypto'
import express from 'express'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { tenantErrorHandler } from '../../src/middleware/express.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'
import { type Guide, openGuide } from './open-guide.ts'
import { billingWebhook } from './webhooks.ts'

const SECRET = 'a secret of the provider'

describe('the guide to webhooks', () => {
  let guide: Guide
  let webhookPool: pg.Pool
  let wall: Partywall
  let origin: string
  let a: TestTenant
  let suspended: TestTenant

  beforeAll(async () => {
    guide = await openGuide('webhooks', { roles: ['shop_webhooks'], protect: ['public.payments'] })
    webhookPool = new pg.Pool({ connectionString: guide.urlOf('shop_webhooks') })
    afterFile(() => webhookPool.end())
    ;({ wall } = await createTestWall(guide))
    a = await createTestTenant(guide)
    suspended = await createTestTenant(guide, { status: 'suspended' })
    await guide.admin("insert into billing_customers values ('cus_a', $1), ('cus_s', $2)", [a.id, suspended.id])
    const app = express()
    app.post('/webhooks/billing', ...billingWebhook(wall, webhookPool, SECRET))
    app.post('/parsed', express.json(), ...billingWebhook(wall, webhookPool, SECRET))
    origin = await serve(app.use(tenantErrorHandler()))
  })

  const send = async (event: object, secret = SECRET, path = '/webhooks/billing') => {
    const body = JSON.stringify(event)
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    const headers = { 'content-type': 'application/json', 'x-signature': signature }
    return (await fetch(`${origin}${path}`, { method: 'POST', body, headers })).status
  }
  const payments = async () => (await guide.admin('select tenant_id, event_id, amount_cents from payments')).rows

  it('saves a payment for the tenant of the customer, once, whatever tenant the body names', async () => {
    const event = { id: 'evt_1', customer: 'cus_a', amount: 900, tenant_id: suspended.id }
    expect(await send(event)).toBe(204)
    expect(await send(event)).toBe(204)
    expect(await payments()).toEqual([{ tenant_id: a.id, event_id: 'evt_1', amount_cents: 900 }])
  })

  it('refuses a body that the provider did not sign, and saves nothing for unknown and suspended tenants', async () => {
    const before = await payments()
    expect(await send({ id: 'evt_2', customer: 'cus_a', amount: 1 }, 'a guess')).toBe(400)
    expect(await send({ id: 'evt_3', customer: 'cus_nobody', amount: 1 })).toBe(204)
    expect(await send({ id: 'evt_4', customer: 'cus_s', amount: 1 })).toBe(204)
    expect(await payments()).toEqual(before)
  })

  it('saves nothing behind express.json(), because the signed bytes are gone', async () => {
    const before = await payments()
    expect(await send({ id: 'evt_6', customer: 'cus_a', amount: 1 }, SECRET, '/parsed')).toBe(500)
    expect(await payments()).toEqual(before)
  })

  it('answers 500 if the payment could not be saved, so that the provider sends it again', async () => {
    expect(await send({ id: 'evt_5', customer: 'cus_a', amount: 'not a number' })).toBe(500)
  })

  it('gives the login of webhooks no other table, and the application no customers', async () => {
    await expect(webhookPool.query('select * from payments')).rejects.toMatchObject({ code: '42501' })
    await expect(webhookPool.query("insert into billing_customers values ('x', $1)", [a.id])).rejects.toMatchObject({
      code: '42501',
    })
    const read = () => wall.pool.query('select customer_id from billing_customers')
    await expect(runWithoutTenant(read)).rejects.toMatchObject({ code: '42501' })
  })

  it('adds no finding of verify', async () => {
    expect(await guide.findings()).toEqual([])
  })
})
