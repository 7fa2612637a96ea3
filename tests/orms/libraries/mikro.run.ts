import { conform } from '../conformance/conform.ts'
import { mikro } from './adapters/mikro.ts'

conform(mikro)
