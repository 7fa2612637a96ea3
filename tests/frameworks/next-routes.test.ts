import { conformance } from '../http/conformance.ts'
import { serveNext } from './apps/next.ts'

conformance('Next.js route handlers', serveNext)
