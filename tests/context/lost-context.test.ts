// What AsyncLocalStorage loses or swaps, so that docs/context.md says what is true, and how to keep it.

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Transform } from 'node:stream'
import { MessageChannel, Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'

const a = { tenantId: 'tenant-a', userId: 'ann' }
const b = { tenantId: 'tenant-b', userId: 'bob' }
const who = () => tryGetCurrentTenant()?.tenantId

describe('an emitter listener', () => {
  it('runs in the context of who emits, unless it is bound', () => {
    const emitter = new EventEmitter()
    const seen: unknown[] = []
    runWithTenant(a, () => {
      emitter.on('event', () => seen.push(['bare', who()]))
      emitter.on(
        'event',
        AsyncResource.bind(() => void seen.push(['bound', who()])),
      )
    })
    runWithTenant(b, () => emitter.emit('event'))
    expect(seen).toEqual([
      ['bare', 'tenant-b'],
      ['bound', 'tenant-a'],
    ])
  })
})

describe('an async generator', () => {
  it('that runWithTenant returns keeps its context; one inside another value needs a snapshot', async () => {
    async function* steps() {
      while (true) yield who()
    }
    const mixed = runWithTenant(a, () => steps())
    expect((await runWithTenant(a, () => mixed.next())).value).toBe('tenant-a')
    expect((await runWithTenant(b, () => mixed.next())).value).toBe('tenant-a')

    const { generator, inside } = runWithTenant(a, () => ({ generator: steps(), inside: AsyncLocalStorage.snapshot() }))
    expect((await runWithTenant(b, () => generator.next())).value).toBe('tenant-b')
    expect((await runWithTenant(b, () => inside(() => generator.next()))).value).toBe('tenant-a')
  })
})

describe('the end of a request whose body comes later', () => {
  it('carries no context; a captured one does', async () => {
    const seen: unknown[] = []
    const server = createServer((incoming, response) => {
      runWithTenant(a, () => {
        const context = tryGetCurrentTenant()
        incoming.on('end', () => {
          seen.push([who(), context?.tenantId])
          response.end('ok')
        })
        incoming.resume()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST' })
    const answered = new Promise<void>((resolve) =>
      outgoing.on('response', (answer) => answer.resume().on('end', resolve)),
    )
    outgoing.write('first')
    setTimeout(() => outgoing.end('last'), 30)
    await answered
    server.close()
    expect(seen).toEqual([[undefined, 'tenant-a']])
  })
})

describe('a stream', () => {
  it('transforms in the context of whoever writes', async () => {
    const seen: unknown[] = []
    const captured = runWithTenant(a, () => {
      const context = tryGetCurrentTenant()
      return new Transform({
        transform(chunk, _encoding, done) {
          seen.push([who(), context?.tenantId])
          done(null, chunk)
        },
      })
    })
    runWithTenant(b, () => captured.write('x'))
    captured.resume().end()
    await once(captured, 'end')
    expect(seen).toEqual([['tenant-b', 'tenant-a']])
  })

  it('reads in the context of whoever consumes', async () => {
    const seen: unknown[] = []
    const source = runWithTenant(
      a,
      () =>
        new Readable({
          read() {
            seen.push(who())
            this.push(null)
          },
        }),
    )
    await runWithTenant(b, async () => {
      for await (const _ of source) seen.push('a chunk')
    })
    expect(seen).toEqual(['tenant-b'])
  })
})

describe('a batcher that lives longer than a request', () => {
  it('runs in the context of its first caller', async () => {
    let waiting: Promise<unknown> | undefined
    const load = () => {
      waiting ??= Promise.resolve().then(who)
      return waiting
    }
    const answers = [runWithTenant(a, load), runWithTenant(b, load)]
    expect(await Promise.all(answers)).toEqual(['tenant-a', 'tenant-a'])
  })
})

describe('another thread or process', () => {
  it('has no context: a message port’s listener, a worker, a child', async () => {
    const seen: unknown[] = []
    const { port1, port2 } = new MessageChannel()
    await runWithTenant(a, async () => {
      const heard = new Promise<void>((resolve) => {
        port1.on('message', () => {
          seen.push(who())
          resolve()
        })
      })
      port2.postMessage('x')
      await heard
      const key = "Symbol.for('partywall.context.v1')"
      const worker = new Worker(
        `require('node:worker_threads').parentPort.postMessage(globalThis[${key}]?.getStore() ?? 'none')`,
        { eval: true },
      )
      const [message] = await once(worker, 'message')
      seen.push(message)
      await worker.terminate()
      const child = spawnSync(process.execPath, [
        '-e',
        `process.stdout.write(String(globalThis[${key}]?.getStore() ?? 'none'))`,
      ])
      seen.push(child.stdout.toString())
    })
    port1.close()
    expect(seen).toEqual([undefined, 'none', 'none'])
  })
})

describe('what is kept', () => {
  it('holds in the callbacks of an http client', async () => {
    const server = createServer((_incoming, response) => response.end('ok')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const seen = await runWithTenant(
      a,
      () =>
        new Promise((resolve) => {
          request({ port, host: '127.0.0.1' }, (answer) => {
            const atFirst = who()
            answer.resume().on('end', () => resolve([atFirst, who()]))
          }).end()
        }),
    )
    server.close()
    expect(seen).toEqual(['tenant-a', 'tenant-a'])
  })
})
