import { serveFastify } from './apps/fastify.ts'
import { conformance } from './conformance.ts'

conformance('Fastify', serveFastify)
