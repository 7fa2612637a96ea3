import 'dotenv/config'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'

const { createApp } = await import('../src/app.js')
const { pool } = await import('../src/db.js')

let server
let base

before(async () => {
  server = createApp().listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  base = `http://127.0.0.1:${server.address().port}`
})

after(async () => {
  server.close()
  await pool.end()
})

async function call(method, path, { token, body } = {}) {
  const res = await fetch(base + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  })
  const text = await res.text()
  return { status: res.status, body: text ? JSON.parse(text) : null }
}

async function signup(company) {
  const email = `${randomUUID()}@example.com`
  const res = await call('POST', '/auth/signup', { body: { company, name: 'Ann', email, password: 's3cret!!' } })
  assert.equal(res.status, 201)
  return { email, token: res.body.token }
}

test('health needs no login', async () => {
  assert.equal((await call('GET', '/health')).status, 200)
})

test('signup and login', async () => {
  const { email } = await signup('Acme')
  const ok = await call('POST', '/auth/login', { body: { email, password: 's3cret!!' } })
  assert.equal(ok.status, 200)
  const bad = await call('POST', '/auth/login', { body: { email, password: 'nope' } })
  assert.equal(bad.status, 401)
  const again = await call('POST', '/auth/signup', { body: { company: 'X', name: 'B', email, password: 's3cret!!' } })
  assert.equal(again.status, 409)
})

test('requests without a token get 401', async () => {
  assert.equal((await call('GET', '/projects')).status, 401)
})

test('projects with tasks and comments', async () => {
  const { token } = await signup('Acme')
  const project = await call('POST', '/projects', { token, body: { name: 'Website' } })
  assert.equal(project.status, 201)
  const tasks = await call('POST', `/projects/${project.body.id}/tasks`, { token, body: { titles: ['Logo', 'Copy'] } })
  assert.equal(tasks.status, 201)
  const [logo] = tasks.body
  const done = await call('PATCH', `/tasks/${logo.id}`, { token, body: { done: true } })
  assert.equal(done.body.done, true)
  await call('POST', `/tasks/${logo.id}/comments`, { token, body: { body: 'nice' } })
  const comments = await call('GET', `/tasks/${logo.id}/comments`, { token })
  assert.deepEqual(comments.body.map((c) => [c.body, c.author]), [['nice', 'Ann']])
  const list = await call('GET', '/projects', { token })
  assert.equal(list.body[0].open_tasks, 1)
  assert.equal((await call('DELETE', `/tasks/${logo.id}`, { token })).status, 204)
  assert.equal((await call('DELETE', `/projects/${project.body.id}`, { token })).status, 204)
})

test('owners add members, members do not', async () => {
  const { token } = await signup('Acme')
  const email = `${randomUUID()}@example.com`
  const added = await call('POST', '/members', { token, body: { name: 'Bob', email, password: 'pa55word' } })
  assert.equal(added.status, 201)
  const bob = await call('POST', '/auth/login', { body: { email, password: 'pa55word' } })
  assert.equal((await call('GET', '/members', { token: bob.body.token })).body.length, 2)
  const refused = await call('POST', '/members', {
    token: bob.body.token,
    body: { name: 'Eve', email: `${randomUUID()}@example.com`, password: 'x' },
  })
  assert.equal(refused.status, 403)
  const project = await call('POST', '/projects', { token: bob.body.token, body: { name: 'Mine' } })
  assert.equal((await call('DELETE', `/projects/${project.body.id}`, { token: bob.body.token })).status, 204)
})

test('an organization does not see the projects of another one', async () => {
  const a = await signup('A')
  const b = await signup('B')
  const project = await call('POST', '/projects', { token: a.token, body: { name: 'Secret' } })
  assert.equal((await call('GET', `/projects/${project.body.id}`, { token: b.token })).status, 404)
  assert.equal((await call('GET', '/projects', { token: b.token })).body.length, 0)
})
