import { createHmac, timingSafeEqual } from 'node:crypto'
import express, { type RequestHandler } from 'express'
import type { Partywall } from 'partywall'
import { asyncRoute } from 'partywall/express'
import type { Pool } from 'pg'

/** Whether the provider signed exactly these bytes. */
function isSigned(body: Buffer, signature: string, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest()
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** `app.post('/webhooks/billing', ...billingWebhook(…))`, before `tenantContextMiddleware` and `express.json()`. */
export function billingWebhook(wall: Partywall, webhookPool: Pool, secret: string): readonly RequestHandler[] {
  const handle = asyncRoute(async (request, response) => {
    if (!isSigned(request.body, request.get('X-Signature') ?? '', secret)) {
      response.sendStatus(400)
      return
    }
    const event = JSON.parse(request.body.toString())
    // The tenant comes from our own table. A tenant id in the body would be a wish of the sender.
    const { rows } = await webhookPool.query('select tenant_id from billing_customers where customer_id = $1', [
      event.customer,
    ])
    const tenants = rows.map(({ tenant_id }) => String(tenant_id))
    const { failed } = await wall.forEachTenant(() => savePayment(wall, event.id, event.amount), {
      tenants,
      userId: 'billing-webhook',
    })
    response.sendStatus(failed.length > 0 ? 500 : 204) // after a 500 the provider sends the event again
  })
  return [express.raw({ type: 'application/json' }), handle]
}

/** The key is the event's id, so an event that arrives twice is one payment. */
function savePayment(wall: Partywall, eventId: string, amountCents: number) {
  return wall.pool.query('insert into payments (event_id, amount_cents) values ($1, $2) on conflict do nothing', [
    eventId,
    amountCents,
  ])
}
