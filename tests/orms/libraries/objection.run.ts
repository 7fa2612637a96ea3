import { conform } from '../conformance/conform.ts'
import { objectionOrm } from './adapters/objection.ts'

conform(objectionOrm)
