import { serveExpress } from './apps/express.ts'
import { conformance } from './conformance.ts'

conformance('Express', serveExpress)
