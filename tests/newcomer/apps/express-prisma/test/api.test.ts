import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { app } from '../src/app'
import { prisma } from '../src/prisma'

let server: Server
let url: string

beforeAll(async () => {
  server = app.listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await prisma.$disconnect()
})

async function request(method: string, path: string, token?: string, body?: unknown) {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

const unique = () => `${Math.random().toString(36).slice(2)}@example.org`

async function register(workspace: string, email = unique()): Promise<string> {
  const answer = await request('POST', '/auth/register', undefined, { workspace, name: 'Kim', email, password: 'pw-pw-pw' })
  expect(answer.status).toBe(201)
  return answer.body.token
}

describe('accounts', () => {
  it('registers once and logs in', async () => {
    const email = unique()
    await register('Acme', email)
    const again = await request('POST', '/auth/register', undefined, { workspace: 'B', name: 'K', email, password: 'x' })
    expect(again.status).toBe(409)
    expect((await request('POST', '/auth/login', undefined, { email, password: 'pw-pw-pw' })).status).toBe(200)
    expect((await request('POST', '/auth/login', undefined, { email, password: 'wrong' })).status).toBe(401)
  })

  it('refuses requests without a session', async () => {
    expect((await request('GET', '/projects')).status).toBe(401)
  })

  it('lets an owner add a member who can log in', async () => {
    const token = await register('Acme')
    const email = unique()
    const added = await request('POST', '/members', token, { name: 'Lee', email, password: 'lee-lee', role: 'VIEWER' })
    expect(added.status).toBe(201)
    const lee = await request('POST', '/auth/login', undefined, { email, password: 'lee-lee' })
    const list = await request('GET', '/members', lee.body.token)
    expect(list.body.map((m: { role: string }) => m.role).sort()).toEqual(['OWNER', 'VIEWER'])
    expect((await request('POST', '/members', lee.body.token, {})).status).toBe(403)
  })
})

describe('projects', () => {
  it('holds tasks with a checklist', async () => {
    const token = await register('Acme')
    const project = (await request('POST', '/projects', token, { name: 'Launch' })).body
    const task = await request('POST', `/projects/${project.id}/tasks`, token, { title: 'Press', checklist: ['a', 'b'] })
    expect(task.status).toBe(201)
    expect(task.body.checklist).toHaveLength(2)
    const second = await request('POST', `/projects/${project.id}/tasks`, token, { title: 'Mail' })
    expect(second.body.position).toBe(1)
    await request('PATCH', `/tasks/${task.body.id}`, token, { done: true })
    await request('PATCH', `/tasks/${task.body.id}/checklist/${task.body.checklist[0].id}`, token, { checked: true })
    const read = await request('GET', `/projects/${project.id}`, token)
    expect(read.body.tasks[0].doneAt).not.toBeNull()
    expect(read.body.tasks[0].checklist.filter((c: { checked: boolean }) => c.checked)).toHaveLength(1)
    expect((await request('GET', '/projects', token)).body).toEqual([{ id: project.id, name: 'Launch', tasks: 2 }])
    expect((await request('DELETE', `/projects/${project.id}`, token)).status).toBe(204)
  })

  it('belongs to one workspace', async () => {
    const [a, b] = await Promise.all([register('A'), register('B')])
    const project = (await request('POST', '/projects', a, { name: 'Secret' })).body
    expect((await request('GET', `/projects/${project.id}`, b)).status).toBe(404)
    expect((await request('DELETE', `/projects/${project.id}`, b)).status).toBe(404)
    expect((await request('GET', '/projects', b)).body).toEqual([])
  })
})
