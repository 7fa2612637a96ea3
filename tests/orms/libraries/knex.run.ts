import { conform } from '../conformance/conform.ts'
import { knex } from './adapters/knex.ts'

conform(knex)
