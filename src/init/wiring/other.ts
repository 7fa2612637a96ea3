import type { Orm } from '../detection/stack.ts'
import type { Wiring } from '../plan/init-plan.ts'
import { byHand, sourcesWith, type WireTask } from './wire-task.ts'

/** The code that opens the library's connections, and the lines that a person writes there. */
interface Opening {
  readonly opens: RegExp
  readonly lines: readonly string[]
}

const OPENINGS: Readonly<Partial<Record<Orm, Opening>>> = {
  typeorm: {
    opens: /\bnew DataSource\s*\(/,
    lines: [
      'new DataSource({ …, ...wall.drivers.typeorm() })',
      'await runWithoutTenant(() => dataSource.initialize())',
    ],
  },
  knex: { opens: /\bknex\s*\(\s*(?:\{|\w*config)/i, lines: ['knex(wall.drivers.knex())'] },
  sequelize: {
    opens: /\bnew Sequelize\s*\(/,
    lines: [
      'new Sequelize(wall.drivers.sequelize())',
      'await runWithoutTenant(() => sequelize.authenticate())   // if it is called at the start; sequelize.sync() is for migrations',
    ],
  },
  mikro: { opens: /\bMikroORM\.init(?:Sync)?\s*\(/, lines: ['MikroORM.init({ …, ...wall.drivers.mikro() })'] },
}

/** Libraries whose set-up has too many forms to be changed safely: the lines are printed, with the files that they belong to. */
export function wireOther(task: WireTask): Wiring {
  const { project, wallPath } = task
  const opening = OPENINGS[project.orm]
  const places = opening === undefined ? [] : sourcesWith(task, opening.opens).map(({ path }) => path)
  const why = `give ${project.orm} the options of the wall of ${wallPath} (docs/compatibility.md of partywall)`
  return byHand(places.length === 0 ? wallPath : places.join(' or '), why, opening?.lines ?? ['const pool = wall.pool'])
}
