import { serveNode } from './apps/node.ts'
import { conformance } from './conformance.ts'

conformance('node:http', serveNode)
