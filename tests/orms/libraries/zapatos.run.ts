import { conform } from '../conformance/conform.ts'
import { zapatos } from './adapters/zapatos.ts'

conform(zapatos)
