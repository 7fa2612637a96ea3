import { conform } from '../conformance/conform.ts'
import { kysely29 } from './adapters/kysely-29.ts'

conform(kysely29)
