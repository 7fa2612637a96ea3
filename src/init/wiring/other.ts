import type { Orm } from '../detection/stack.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, type WireTask } from './wire-task.ts'

const LINES: Readonly<Partial<Record<Orm, readonly string[]>>> = {
  typeorm: [
    'new DataSource({ …, ...wall.drivers.typeorm() })',
    'await runWithoutTenant(() => dataSource.initialize())',
  ],
  knex: ['knex(wall.drivers.knex())'],
  sequelize: ['new Sequelize(wall.drivers.sequelize())'],
  mikro: ['MikroORM.init({ …, ...wall.drivers.mikro() })'],
}

/** Libraries whose set-up has too many forms to be changed safely: the lines are printed. */
export function wireOther({ project, wallPath }: WireTask): Wiring {
  const lines = LINES[project.orm] ?? ['const pool = wall.pool']
  return byHand(wallPath, `give ${project.orm} the options of the wall (docs/compatibility.md of partywall)`, lines)
}
