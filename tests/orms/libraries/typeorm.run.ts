import { conform } from '../conformance/conform.ts'
import { typeorm } from './adapters/typeorm.ts'

conform(typeorm)
