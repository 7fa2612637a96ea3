import { serveHono } from './apps/hono.ts'
import { conformance } from './conformance.ts'

conformance('Hono', serveHono)
