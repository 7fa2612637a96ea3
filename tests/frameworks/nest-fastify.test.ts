import { conformance } from '../http/conformance.ts'
import { serveNest } from './apps/nest.ts'

conformance('NestJS on Fastify', serveNest('fastify'))
