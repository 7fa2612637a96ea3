import 'dotenv/config'
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { NestFactory } from '@nestjs/core'

const { AppModule } = await import('../dist/app.module.js')

let app
let url
before(async () => {
  app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})
after(() => app.close())

async function call(method, path, token, body) {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

async function signUp(company, email = `${randomUUID()}@example.com`) {
  const { status, body } = await call('POST', '/auth/signup', undefined, { company, email, password: 'open-sesame' })
  assert.equal(status, 201)
  return body.token
}

test('health is public, projects are not', async () => {
  assert.equal((await call('GET', '/health')).status, 200)
  assert.equal((await call('GET', '/projects')).status, 401)
})

test('sign-up and login', async () => {
  const email = `${randomUUID()}@example.com`
  await signUp('Acme', email)
  const again = await call('POST', '/auth/signup', undefined, { company: 'B', email, password: 'x' })
  assert.equal(again.status, 409)
  assert.equal((await call('POST', '/auth/login', undefined, { email, password: 'open-sesame' })).status, 200)
  assert.equal((await call('POST', '/auth/login', undefined, { email, password: 'open' })).status, 401)
})

test('projects, tasks and notes', async () => {
  const token = await signUp('Acme')
  const project = (await call('POST', '/projects', token, { name: 'Survey' })).body
  const task = await call('POST', `/projects/${project.id}/tasks`, token, { title: 'Walk', notes: ['north', 'south'] })
  assert.equal(task.status, 201)
  assert.equal((await call('POST', `/tasks/${task.body.id}/finish`, token)).body.done, true)
  const read = await call('GET', `/projects/${project.id}`, token)
  assert.deepEqual(read.body.tasks[0].notes.map((n) => n.text).sort(), ['north', 'south'])
  assert.equal((await call('GET', '/projects', token)).body.length, 1)
  assert.equal((await call('DELETE', `/projects/${project.id}`, token)).status, 204)
  assert.equal((await call('GET', `/projects/${project.id}`, token)).status, 404)
})

test('members', async () => {
  const token = await signUp('Acme')
  const email = `${randomUUID()}@example.com`
  assert.equal((await call('POST', '/members', token, { email, password: 'member-1' })).status, 201)
  const member = (await call('POST', '/auth/login', undefined, { email, password: 'member-1' })).body.token
  assert.equal((await call('GET', '/members', member)).body.length, 2)
  assert.equal((await call('POST', '/members', member, { email: 'x', password: 'y' })).status, 403)
})

test('tenants do not see the projects of each other', async () => {
  const a = await signUp('A')
  const b = await signUp('B')
  const project = (await call('POST', '/projects', a, { name: 'Secret' })).body
  assert.equal((await call('GET', `/projects/${project.id}`, b)).status, 404)
  assert.equal((await call('DELETE', `/projects/${project.id}`, b)).status, 404)
  assert.deepEqual((await call('GET', '/projects', b)).body, [])
})
