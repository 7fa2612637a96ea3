import { headers } from 'next/headers'
import { cache } from 'react'

// Next.js bundles this folder and runs it in the tests' own process. The tests put their handlers here, so that partywall is loaded once.
interface Handlers {
  route(request: Request): Promise<Response>
  page(): Promise<unknown>
  action(data: FormData): Promise<unknown>
}

export function handlers(): Handlers {
  Reflect.set(globalThis, Symbol.for('partywall.tests.next-functions'), { cache, headers })
  return Reflect.get(globalThis, Symbol.for('partywall.tests.next')) as Handlers
}
