import { serveFetch } from './apps/fetch.ts'
import { conformance } from './conformance.ts'

conformance('wall.handle', serveFetch)
