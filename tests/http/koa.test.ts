import { serveKoa } from './apps/koa.ts'
import { conformance } from './conformance.ts'

conformance('Koa', serveKoa)
