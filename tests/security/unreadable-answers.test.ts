import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import express, { type RequestHandler, type Response } from 'express'
import express4 from 'express-4'
import { afterEach, describe, expect, it } from 'vitest'
import { runInTenantFrame } from '../../src/context/run-with-tenant.ts'
import { createTenantGuard } from '../../src/guards/tenant-guard.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { responseGuard } from '../../src/middleware/response-guard.ts'
import { otherTenant, ownTenant } from '../guards/context.ts'

// The guard reads JSON text in UTF-8. JSON in any other form must be refused: it could name another tenant unseen.

const frameworks = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

const foreign = JSON.stringify({ tenant_id: otherTenant, title: 'a secret of others' })
const own = JSON.stringify({ tenant_id: ownTenant, title: 'größer' })

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

function utf32(text: string, endian: 'le' | 'be'): Buffer {
  const bytes = Buffer.alloc(text.length * 4)
  Array.from(text).forEach((character, index) => {
    const code = character.codePointAt(0) ?? 0
    if (endian === 'le') bytes.writeUInt32LE(code, index * 4)
    else bytes.writeUInt32BE(code, index * 4)
  })
  return bytes
}

interface Case {
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status?: number
  readonly chunks: readonly (string | Uint8Array)[]
}

const json = 'application/json'
const leaks: Readonly<Record<string, Case>> = {
  'JSON in utf-16le': { type: `${json}; charset=utf-16le`, chunks: [Buffer.from(foreign, 'utf16le')] },
  'JSON in utf-16le whose type does not say so': { type: json, chunks: [Buffer.from(foreign, 'utf16le')] },
  'JSON in utf-16le with a byte order mark': { type: json, chunks: [Buffer.from(`\uFEFF${foreign}`, 'utf16le')] },
  'JSON in utf-16be': { type: `${json};charset="UTF-16BE"`, chunks: [utf16be(foreign)] },
  'JSON in utf-16be without a type': { chunks: [utf16be(foreign)] },
  'JSON in utf-16le as text': { type: 'text/plain; charset=utf-16le', chunks: [Buffer.from(foreign, 'utf16le')] },
  'JSON in utf-32le': { type: `${json}; charset=utf-32`, chunks: [utf32(foreign, 'le')] },
  'JSON in utf-32be as bytes': { type: 'application/octet-stream', chunks: [utf32(foreign, 'be')] },
  'JSON in utf-7': { type: `${json}; charset=utf-7`, chunks: [foreign.replaceAll('"', '+ACI-')] },
  'text in utf-7': {
    type: 'text/plain; charset=utf-7',
    chunks: [foreign.replaceAll('"', '+ACI-').replace('{', '+AHs-')],
  },
  'JSON in latin1': { type: `${json}; charset=iso-8859-1`, chunks: [Buffer.from(foreign, 'latin1')] },
  'JSON in latin1 whose type does not say so': {
    type: json,
    chunks: [Buffer.from(own.replace('"title"', '"ten\u00e4nt"'), 'latin1')],
  },
  'JSON in windows-1252 as text': { type: 'text/plain; charset=windows-1252', chunks: [foreign] },
  'JSON in latin1 that calls itself a page': { type: 'text/html; charset=iso-8859-1', chunks: [foreign] },
  'JSON in utf-7 that calls itself a page': {
    type: 'text/html; charset=utf-7',
    chunks: [foreign.replaceAll('"', '+ACI-')],
  },
  'JSON in an unknown charset': { type: `${json}; charset=x-own`, chunks: [foreign] },
  'JSON that names two charsets': {
    type: `${json}; charset=utf-8; charset=utf-16le`,
    chunks: [Buffer.from(foreign, 'utf16le')],
  },
  'gzipped JSON': { type: json, headers: { 'content-encoding': 'gzip' }, chunks: [gzipSync(foreign)] },
  'gzipped JSON without a content type': { headers: { 'content-encoding': 'gzip' }, chunks: [gzipSync(foreign)] },
  'JSON in Brotli without a content type': {
    headers: { 'content-encoding': 'br' },
    chunks: [brotliCompressSync(foreign)],
  },
  'deflated JSON as text': {
    type: 'text/plain',
    headers: { 'Content-Encoding': 'DEFLATE' },
    chunks: [deflateSync(foreign)],
  },
  'gzipped JSON as a transfer coding': {
    type: json,
    headers: { 'transfer-encoding': 'gzip, chunked' },
    chunks: [gzipSync(foreign)],
  },
  'gzipped JSON as HTML': {
    type: 'text/html',
    headers: { 'content-encoding': 'identity, gzip' },
    chunks: [gzipSync(foreign)],
  },
  'gzipped bytes without any header': { chunks: [gzipSync(foreign)] },
  'deflated bytes without any header': { chunks: [deflateSync(foreign)] },
  'JSON behind an empty chunk': { chunks: ['', foreign] },
  'JSON behind an empty chunk of bytes': { chunks: [new Uint8Array(0), Buffer.from(foreign)] },
  'JSON behind white space': { chunks: [' ', '\n', '\r\n\t', foreign] },
  'JSON behind much white space': { type: 'text/plain', chunks: [' '.repeat(20_000), foreign] },
  'JSON behind a byte order mark': { chunks: [Buffer.from([0xef, 0xbb, 0xbf]), foreign] },
  'JSON behind a byte order mark in pieces': {
    type: 'text/plain',
    chunks: [Buffer.from([0xef]), Buffer.from([0xbb, 0xbf]), foreign],
  },
  'JSON without a content type': { chunks: [foreign] },
  'JSON without a content type, byte by byte': { chunks: [...Buffer.from(foreign)].map((byte) => Buffer.from([byte])) },
  'a list without a content type': { chunks: [`[${foreign}`, ']'] },
  'JSON of a vendor type': { type: 'application/vnd.example.v2+json', chunks: [foreign] },
  'JSON of a vendor type in utf-16le': {
    type: 'application/vnd.api+json; charset=utf-16le',
    chunks: [Buffer.from(foreign, 'utf16le')],
  },
  'records of JSON': { type: 'application/x-ndjson', chunks: [`${foreign}\n`] },
  'records of JSON in utf-16le': {
    type: 'application/x-ndjson; charset=utf-16le',
    chunks: [Buffer.from(`${foreign}\n`, 'utf16le')],
  },
  'records of JSON in utf-16be whose type does not say so': {
    type: 'application/jsonl',
    chunks: [utf16be(`${foreign}\n`)],
  },
  'records of JSON, gzipped': {
    type: 'application/x-ndjson',
    headers: { 'content-encoding': 'gzip' },
    chunks: [gzipSync(foreign)],
  },
  'a JSON text sequence of no type': { chunks: [`\u001e${foreign}\n`] },
  'JSON as bytes': { type: 'application/octet-stream', chunks: [foreign] },
  'JSON as plain text': { type: 'text/plain', chunks: [foreign] },
  'JSON as CSV': { type: 'text/csv', chunks: [foreign] },
  'JSON as HTML': { type: 'text/html', chunks: [`  ${foreign}`] },
  'JSON behind a guard against scripts': { type: 'text/plain', chunks: [")]}'", `,\n${foreign}`] },
  'JSON behind an endless loop': { chunks: ['for(;', `;);${foreign}`] },
  'a part of a JSON document': { type: json, status: 206, chunks: [foreign.slice(12)] },
  'a part of a document of no known type': {
    type: 'application/octet-stream',
    headers: { 'content-range': 'bytes 12-99/100' },
    status: 206,
    chunks: [foreign.slice(12)],
  },
  'JSON in a multipart answer': { type: 'multipart/mixed; boundary=x', chunks: [`--x\r\n\r\n${foreign}\r\n--x--`] },
}

const passes: Readonly<Record<string, Case>> = {
  'own JSON': { type: json, chunks: [own] },
  'own JSON that names its charset': { type: `${json}; charset="utf-8"`, chunks: [own] },
  'own JSON behind white space': { chunks: [' ', '\n', own] },
  'own JSON behind a byte order mark': { chunks: [Buffer.from([0xef, 0xbb, 0xbf]), own] },
  'own records': { type: 'application/x-ndjson', chunks: [`${own}\n`, own] },
  'an empty answer': { type: json, chunks: ['', ''] },
  'white space alone': { chunks: [' ', '\n'] },
  'a page': { type: 'text/html; charset=utf-8', chunks: ['\n', '<p>', otherTenant, '</p>'] },
  'a table in latin1': { type: 'text/csv; charset=iso-8859-1', chunks: [Buffer.from('größe;1\n', 'latin1')] },
  'a table in utf-16le': { type: 'text/csv; charset=utf-16le', chunks: [Buffer.from('\uFEFFgröße;1\n', 'utf16le')] },
  'a picture': { type: 'image/png', chunks: [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])] },
  'a compressed picture': {
    type: 'image/svg+xml',
    headers: { 'content-encoding': 'gzip' },
    chunks: [gzipSync('<svg/>')],
  },
  'an archive': { type: 'application/gzip', chunks: [gzipSync('x')] },
  'plain text': { type: 'text/plain; charset=iso-8859-1', chunks: ['f', 'or you'] },
}

type Way = (response: Response, chunks: Case['chunks']) => void

const ways: Readonly<Record<string, Way>> = {
  'write and end': (response, chunks) => {
    for (const chunk of chunks) response.write(chunk)
    response.end()
  },
  'end alone': (response, chunks) => {
    for (const chunk of chunks.slice(0, -1)) response.write(chunk)
    response.end(chunks.at(-1))
  },
  'send of bytes': (response, chunks) => void response.send(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)))),
}

describe.each(frameworks)('answers of %s that the guard must read', (_name, framework) => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function ask(handler: RequestHandler): Promise<{ readonly status: number | undefined; readonly body: Buffer }> {
    const app = framework()
    app.disable('x-powered-by')
    app.use((_request, _response, next) => runInTenantFrame({ tenantId: ownTenant, userId: 'user-1' }, {}, next))
    app.use(responseGuard(createTenantGuard({ logger: silentLogger })))
    app.get('/', handler)
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => server.close().closeAllConnections())
    const { port }: AddressInfo = Object(server.address())
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ port, host: '127.0.0.1' }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', () => {})
        answer.on('close', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks) }))
      })
      // A connection that is cut before its answer tells nothing either.
      sent.on('error', (error) =>
        'code' in error && error.code === 'ECONNRESET'
          ? resolve({ status: undefined, body: Buffer.alloc(0) })
          : reject(error),
      )
      sent.end()
    })
  }

  function handlerOf({ type, headers, status, chunks }: Case, way: Way): RequestHandler {
    return (_request, response) => {
      if (status !== undefined) response.status(status)
      if (type !== undefined) response.setHeader('Content-Type', type)
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
      way(response, chunks)
    }
  }

  const refused = Object.entries(leaks).flatMap(([name, each]) =>
    Object.entries(ways).map(([way, write]) => [name, way, each, write] as const),
  )
  it.each(refused)('refuses %s, by %s', async (_leak, _way, each, write) => {
    const answer = await ask(handlerOf(each, write))
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'PARTYWALL_TENANT_ISOLATION' })
  })

  const kept = Object.entries(passes).flatMap(([name, each]) =>
    Object.entries(ways).map(([way, write]) => [name, way, each, write] as const),
  )
  it.each(kept)('sends %s unchanged, by %s', async (_case, _way, each, write) => {
    const answer = await ask(handlerOf(each, write))
    expect(answer.status).toBe(200)
    expect(answer.body.equals(Buffer.concat(each.chunks.map((chunk) => Buffer.from(chunk))))).toBe(true)
  })

  it.each([
    ['an object', { 'Content-Type': json, 'Content-Encoding': 'gzip' }],
    ['a flat list', ['Content-Type', json, 'Content-Encoding', 'gzip']],
  ])('reads headers that go straight into writeHead as %s', async (_form, headers) => {
    const answer = await ask((_request, response) => {
      response.writeHead(200, headers)
      response.end(gzipSync(foreign))
    })
    expect(answer.status).not.toBe(200)
    expect(answer.body).toHaveLength(0)
  })
})
