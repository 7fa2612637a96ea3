import { conform } from '../conformance/conform.ts'
import { slonikOrm } from './adapters/slonik.ts'

conform(slonikOrm)
