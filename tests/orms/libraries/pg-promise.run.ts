import { conform } from '../conformance/conform.ts'
import { pgPromise } from './adapters/pg-promise.ts'

conform(pgPromise)
