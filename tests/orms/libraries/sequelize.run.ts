import { conform } from '../conformance/conform.ts'
import { sequelize } from './adapters/sequelize.ts'

conform(sequelize)
