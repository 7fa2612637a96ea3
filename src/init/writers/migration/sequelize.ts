import type { ProtectPlan } from '../../../protect/change.ts'
import {
  decisionsAsCode,
  headWithDecisions,
  type MigrationFile,
  type Section,
  togetherOf,
} from '../../../protect/render/script.ts'
import type { ProjectFiles } from '../../project-files.ts'
import { templateLiteral } from './template-literal.ts'

const MIGRATION = /^(\d{10,17})([-_]).*(\.[cm]?[jt]s)$/

/**
 * `20260131093000-partywall.js`: an object with up and down, as sequelize-cli and umzug run it. Neither tool begins a transaction, so the
 * migration does. Names, endings and the form of the exports are taken from the last migration in the folder.
 */
export function sequelizeFiles(
  files: ProjectFiles,
  folder: string,
  plan: ProtectPlan,
  now: Date,
): readonly MigrationFile[] {
  const last = files
    .list(folder)
    .filter((name) => MIGRATION.test(name))
    .at(-1)
  const [, stamp = '0', separator = '-', ending = '.js'] = MIGRATION.exec(last ?? '') ?? []
  const typed = ending.endsWith('ts')
  const before = last === undefined ? '' : (files.read(`${folder}/${last}`) ?? '')
  const isCommonJs = last === undefined || /\bmodule\.exports\b/.test(before)
  const { up, down } = togetherOf(plan)
  const [parameter, result] = typed
    ? ["queryInterface: import('sequelize').QueryInterface", ': Promise<void>']
    : ['queryInterface', '']
  const comments = headWithDecisions('all', plan.decisions).replace(/^--/gm, '//')
  const left = decisionsAsCode(plan.decisions, (sql) => `await run(${templateLiteral(sql)})`)
  const content = `${comments}
${isCommonJs ? 'module.exports =' : 'export default'} {
  async up(${parameter})${result} {
${inTransaction(typed, up, left)}  },

  // Afterwards the tables are as open as they were before. What you took from TO DECIDE stays, unless a statement below takes it back.
  async down(${parameter})${result} {
${inTransaction(typed, down, '')}  },
}
`
  return [{ path: `${stampAfter(stamp, now)}${separator}partywall${ending}`, content }]
}

function inTransaction(typed: boolean, sections: readonly Section[], left: string): string {
  const statements = ["SET LOCAL lock_timeout = '5s'", ...sections.flatMap((section) => section.statements)]
  const calls = statements.map((statement) => `      await run(${templateLiteral(statement)})\n`).join('')
  return `    await queryInterface.sequelize.transaction(async (transaction) => {
      const run = (sql${typed ? ': string' : ''}) => queryInterface.sequelize.query(sql, { transaction })
${calls}${left === '' ? '' : `${left.replace(/^(?=.)/gm, '      ')}\n`}    })
`
}

/** The time as a number. It is always higher than the number of the last migration, because tools run files in the order of their names. */
function stampAfter(last: string, now: Date): string {
  const time = now.toISOString().replace(/\D/g, '').slice(0, 14)
  return BigInt(time) > BigInt(last) ? time : String(BigInt(last) + 1n).padStart(last.length, '0')
}
