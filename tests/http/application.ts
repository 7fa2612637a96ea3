// One application for all frameworks: its routes know no framework, and each file in apps/ serves them by one adapter.
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentClient } from '../../src/context/client-info.ts'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import { NotFoundError } from '../../src/errors.ts'
import type { RouteRule } from '../../src/http/route-rule.ts'
import type { Partywall } from '../../src/partywall.ts'
import type { TestTenant } from '../setup/database.ts'

/** A request as the routes see it. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  json(): Promise<unknown>
  /** Calls back for each chunk of the body, as the framework hands chunks out; resolves at the body's end. */
  chunks(onChunk: () => void): Promise<void>
  setHeader(name: string, value: string): void
}

/** An answer as the routes give it. */
export interface Answer {
  readonly status?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
  readonly stream?: AsyncIterable<string>
  /** The stream is written piece by piece to Node's response, if the handler has one. */
  readonly byHand?: true
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly rule?: RouteRule
  handle(asked: Asked): Answer | Promise<Answer>
}

/** What the application works with. Tests read `seen`, and call `release` to end the requests that wait. */
export interface Setting {
  readonly wall: Partywall
  readonly a: TestTenant
  readonly b: TestTenant
  readonly seen: unknown[]
  readonly held: (() => void)[]
}

const agreement = { subdomainOf: 'app.example', path: '/t/:tenant' }
/** Options of every adapter in these tests. */
export const shared = (wall: Partywall) => ({ agreement, guard: wall.guard })

/** As a pool of callbacks does that was filled outside of every request. */
const outside = AsyncLocalStorage.snapshot()
const who = () => tryGetCurrentTenant()?.tenantId
const COUNT = 'select count(*)::int as n from documents'

export function routesOf(setting: Setting): readonly Route[] {
  return [...plainRoutes(setting), ...failingRoutes(setting), ...foreignRoutes(setting), ...streamRoutes(setting)]
}

function plainRoutes({ wall, seen, held }: Setting): readonly Route[] {
  const columns = {
    id: 'uuid',
    tenant_id: 'uuid',
    project_id: 'uuid',
    title: 'text',
    body: 'text',
    created_at: 'timestamptz',
  } as const
  const documents = wall.repository<{ id: string; title: string; created_at: Date }>({ table: 'documents', columns })
  return [
    { method: 'GET', path: '/context', handle: () => ({ json: tryGetCurrentTenant() }) },
    { method: 'GET', path: '/client', handle: () => ({ json: currentClient() }) },
    { method: 'GET', path: '/t/:tenant/ping', handle: () => ({ json: 'pong' }) },
    {
      method: 'GET',
      path: '/documents/:id',
      async handle({ params }) {
        const found = await documents.findById(params['id'] ?? '')
        if (found === undefined) throw new NotFoundError('no such document')
        return { json: found }
      },
    },
    {
      method: 'PUT',
      path: '/documents/:id',
      handle: async ({ params, json }) => ({ json: await documents.update(params['id'] ?? '', Object(await json())) }),
    },
    {
      method: 'POST',
      path: '/documents',
      handle: async ({ json }) => ({ status: 201, json: await documents.create(Object(await json())) }),
    },
    {
      method: 'GET',
      path: '/write',
      handle: async () => ({ json: (await wall.pool.query("update documents set body = 'written'")).rowCount }),
    },
    { method: 'GET', path: '/admin', rule: { permission: 'admin:use' }, handle: () => ({ json: 'admin' }) },
    { method: 'GET', path: '/read', rule: { permission: 'documents:read' }, handle: () => ({ json: 'read' }) },
    { method: 'GET', path: '/public', rule: { public: 'tells only the time' }, handle: () => ({ json: 'now' }) },
    { method: 'GET', path: '/tight', rule: { route: 'tight' }, handle: () => ({ json: 'tight' }) },
    {
      method: 'GET',
      path: '/cached',
      handle: () => ({ json: 'same for all', headers: { 'cache-control': 'public, max-age=60' } }),
    },
    {
      method: 'GET',
      path: '/held',
      async handle({ setHeader }) {
        setHeader('etag', '"secret"')
        await new Promise<void>((resolve) => held.push(resolve))
        return { json: 'late' }
      },
    },
    {
      method: 'POST',
      path: '/upload',
      async handle({ chunks }) {
        const counts: Promise<number>[] = []
        await chunks(() => counts.push(wall.pool.query(COUNT).then(({ rows }) => rows[0].n)))
        seen.push(['end', who()])
        return { json: await Promise.all(counts) }
      },
    },
    {
      method: 'POST',
      path: '/slow',
      async handle() {
        for (let round = 0; round < 200; round++) {
          await wall.pool.query("update documents set body = 'round ' || $1::text", [round])
          await sleep(25)
        }
        return { json: 'done' }
      },
    },
  ]
}

function failingRoutes({ wall, a, b }: Setting): readonly Route[] {
  const insert = 'insert into documents (tenant_id, project_id, title, created_by) values ($1, $2, $3, $4)'
  return [
    {
      method: 'GET',
      path: '/throws',
      async handle({ setHeader }) {
        await sleep(1)
        setHeader('etag', '"secret"')
        setHeader('location', '/documents/secret')
        throw new Error('secret detail')
      },
    },
    {
      method: 'GET',
      path: '/cast',
      handle: async () => ({ json: await wall.pool.query("select 'secret value'::integer") }),
    },
    {
      method: 'POST',
      path: '/unique',
      async handle() {
        try {
          await wall.pool.query(
            "insert into users (tenant_id, email, name, role) values ($1, 'owner@example.com', 'x', 'owner')",
            [a.id],
          )
        } catch (cause) {
          throw new Error('Failed query: insert into users, secret parameters', { cause }) // as Drizzle does
        }
        return { json: 'inserted' }
      },
    },
    {
      method: 'POST',
      path: '/foreign-row',
      handle: async () => ({ json: await wall.pool.query(insert, [b.id, b.projectId, 'x', b.userId]) }),
    },
    {
      method: 'GET',
      path: '/lost',
      handle: async () => ({ json: await outside(() => wall.pool.query(COUNT)) }),
    },
    {
      method: 'GET',
      path: '/teapot',
      handle: () => {
        throw Object.assign(new Error('secret reason'), { status: 418 })
      },
    },
  ]
}

function foreignRoutes({ a, b }: Setting): readonly Route[] {
  const own = { tenant_id: a.id, title: 'ours' }
  const foreign = { title: 'a secret of others', tenant_id: b.id }
  const line = (row: object) => `${JSON.stringify(row)}\n`
  return [
    {
      method: 'GET',
      path: '/foreign',
      handle: () => ({ status: 201, headers: { 'x-total-count': '7', etag: '"7"' }, json: [own, foreign] }),
    },
    {
      method: 'GET',
      path: '/foreign-stream',
      handle: () => ({ type: 'application/x-ndjson', stream: paced([line(own), line(own), line(foreign), line(own)]) }),
    },
    {
      method: 'GET',
      path: '/foreign-first',
      handle: () => ({ type: 'application/x-ndjson', stream: paced([line(foreign)]) }),
    },
    {
      method: 'GET',
      path: '/page-of-others',
      handle: () => ({ type: 'text/html', text: `<p>${b.id}</p>` }),
    },
  ]
}

function streamRoutes({ wall, seen, held }: Setting): readonly Route[] {
  const count = async () => (await wall.pool.query(COUNT)).rows[0].n
  return [
    {
      method: 'GET',
      path: '/events',
      handle: () => ({
        type: 'text/event-stream',
        stream: events(3, async () => ({ n: await count(), tenant_id: who() })),
      }),
    },
    {
      method: 'GET',
      path: '/late',
      handle: () => ({ type: 'text/plain', stream: failing() }),
    },
    {
      method: 'GET',
      path: '/late-by-hand',
      handle: () => ({ type: 'text/plain', stream: failing(), byHand: true }),
    },
    {
      method: 'GET',
      path: '/endless',
      handle: () => ({ type: 'text/event-stream', stream: noted(seen, events(400, count)) }),
    },
    {
      method: 'GET',
      path: '/large',
      handle: () => ({ type: 'text/plain', stream: large(seen, count) }),
    },
    {
      method: 'GET',
      path: '/held-stream',
      handle: () => ({ type: 'text/plain', stream: heldStream(held) }),
    },
  ]
}

/** Each piece in a turn of its own, so that what is sent before a cut has left. */
async function* paced(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    await sleep(15)
    yield piece
  }
}

async function* events(times: number, data: () => Promise<unknown>): AsyncGenerator<string> {
  for (let round = 0; round < times; round++) {
    yield `data: ${JSON.stringify(await data())}\n\n`
    await sleep(20)
  }
}

/** Pieces of `/large`. Together they are larger than the buffers of a connection. */
export const LARGE_PIECES = 60

/** Notes in whose context each piece is made. */
async function* large(seen: unknown[], data: () => Promise<unknown>): AsyncGenerator<string> {
  for (let round = 0; round < LARGE_PIECES; round++) {
    yield `<${JSON.stringify(await data())}>${' '.repeat(400_000)}`
    seen.push(['piece', who()])
  }
}

async function* failing(): AsyncGenerator<string> {
  yield 'partial'
  await sleep(30)
  throw new Error('secret detail')
}

async function* heldStream(held: (() => void)[]): AsyncGenerator<string> {
  yield 'first half, '
  await new Promise<void>((resolve) => held.push(resolve))
  yield 'second half'
}

/** Notes in whose context the source of a stream is ended. Not a generator, which would run its end in the context of its last piece. */
function noted(seen: unknown[], source: AsyncGenerator<string>): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => source.next(),
      return() {
        seen.push(['source ended', who()])
        return source.return(undefined)
      },
    }),
  }
}

/** The route for a method and path, for frameworks without a router. */
export function matchRoute(routes: readonly Route[], method: string, path: string) {
  const wanted = method === 'HEAD' ? 'GET' : method
  const segments = path.split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    const params: Record<string, string> = {}
    const fits =
      route.method === wanted &&
      pattern.length === segments.length &&
      pattern.every((part, index) => {
        const segment = segments[index] ?? ''
        if (part.startsWith(':')) params[part.slice(1)] = segment
        return part.startsWith(':') || part === segment
      })
    if (fits) return { route, params }
  }
  return undefined
}

/** An answer as text with its content type. Undefined for a stream. */
export function textOf({ json, text, type }: Answer): { readonly text: string; readonly type: string } | undefined {
  if (text !== undefined) return { text, type: type ?? 'text/plain' }
  return json === undefined ? undefined : { text: JSON.stringify(json), type: 'application/json; charset=utf-8' }
}
