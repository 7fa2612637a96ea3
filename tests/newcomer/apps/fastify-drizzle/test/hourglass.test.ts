import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { buildApp } from '../src/app.js'

let app: FastifyInstance
before(async () => {
  app = await buildApp()
})
after(() => app.close())

async function send(method: InjectOptions['method'], url: string, token?: string, payload?: object) {
  const headers = token ? { authorization: `Bearer ${token}` } : {}
  const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
}

async function signUp(company: string, email = `${randomUUID()}@example.net`): Promise<string> {
  const answer = await send('POST', '/signup', undefined, { company, fullName: 'Jo', email, password: 'hunter22' })
  assert.equal(answer.status, 201)
  return answer.body.token
}

describe('sessions', () => {
  it('signs up once, logs in, and refuses wrong passwords', async () => {
    const email = `${randomUUID()}@example.net`
    await signUp('Acme', email)
    const again = await send('POST', '/signup', undefined, { company: 'B', fullName: 'B', email, password: 'x' })
    assert.equal(again.status, 409)
    assert.equal((await send('POST', '/login', undefined, { email, password: 'hunter22' })).status, 200)
    assert.equal((await send('POST', '/login', undefined, { email, password: 'hunter23' })).status, 401)
  })

  it('needs a token', async () => {
    assert.equal((await send('GET', '/projects')).status, 401)
    assert.equal((await app.inject('/healthz')).statusCode, 200)
  })
})

describe('work', () => {
  it('tracks time on tasks', async () => {
    const token = await signUp('Acme')
    const project = (await send('POST', '/projects', token, { name: 'Site', billable: false })).body
    const task = await send('POST', `/projects/${project.id}/tasks`, token, { title: 'Design' })
    assert.equal(task.status, 201)
    assert.equal((await send('POST', `/tasks/${task.body.id}/time`, token, { minutes: 30 })).status, 201)
    assert.equal((await send('POST', `/tasks/${task.body.id}/time`, token, { minutes: 15, note: 'b' })).status, 201)
    const list = await send('GET', '/projects', token)
    assert.deepEqual(list.body, [{ id: project.id, name: 'Site', minutes: 45 }])
    const whole = await send('GET', `/projects/${project.id}`, token)
    assert.equal(whole.body.tasks[0].entries.length, 2)
    assert.equal((await send('DELETE', `/projects/${project.id}`, token)).status, 204)
    assert.equal((await send('GET', `/projects/${project.id}`, token)).status, 404)
  })

  it('adds people', async () => {
    const token = await signUp('Acme')
    const email = `${randomUUID()}@example.net`
    assert.equal((await send('POST', '/people', token, { fullName: 'Al', email, password: 'al-al-al' })).status, 201)
    const al = (await send('POST', '/login', undefined, { email, password: 'al-al-al' })).body.token
    assert.deepEqual(
      (await send('GET', '/people', al)).body.map((p: { fullName: string }) => p.fullName),
      ['Al', 'Jo'],
    )
    assert.equal((await send('POST', '/people', al, { fullName: 'X', email: 'x', password: 'x' })).status, 403)
  })

  it('stays within the company', async () => {
    const [a, b] = [await signUp('A'), await signUp('B')]
    const project = (await send('POST', '/projects', a, { name: 'Secret' })).body
    assert.equal((await send('GET', `/projects/${project.id}`, b)).status, 404)
    assert.equal((await send('DELETE', `/projects/${project.id}`, b)).status, 404)
    assert.deepEqual((await send('GET', '/projects', b)).body, [])
  })
})
