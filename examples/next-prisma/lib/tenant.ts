import { headers } from 'next/headers'
import { type NextTenant, nextTenant } from 'partywall/next'
import { cache } from 'react'
import { wall } from './wall'

/** Makes route handlers and server actions that run for the tenant of the token. */
export const tenant: NextTenant = nextTenant(wall, { headers, cache, guard: wall.guard })
