import type { ProtectPlan } from '../../../protect/change.ts'
import {
  decisionsAsCode,
  headWithDecisions,
  type MigrationFile,
  type Section,
  togetherOf,
} from '../../../protect/render/script.ts'
import type { CodeStyle } from '../../detection/stack.ts'
import { templateLiteral } from './template-literal.ts'

/** `1741700000000-Partywall.ts`: a class with up and down. TypeORM runs it in a transaction. */
export function typeormFiles(plan: ProtectPlan, style: CodeStyle, now: Date): readonly MigrationFile[] {
  const stamp = now.getTime()
  const name = `Partywall${stamp}`
  const { up, down } = togetherOf(plan)
  const typed = style.language === 'ts'
  const runner = typed ? 'queryRunner: QueryRunner' : 'queryRunner'
  const result = typed ? ': Promise<void>' : ''
  const comments = headWithDecisions('all', plan.decisions).replace(/^--/gm, '//')
  const left = decisionsAsCode(plan.decisions, (sql) => `await queryRunner.query(${templateLiteral(sql)})`)
  const content = `${typed ? "import type { MigrationInterface, QueryRunner } from 'typeorm'\n\n" : ''}${comments}
${style.modules === 'commonjs' ? `module.exports.${name} = class ${name}` : `export class ${name}`}${typed ? ' implements MigrationInterface' : ''} {
  name = '${name}'

  async up(${runner})${result} {
${calls(up)}${left === '' ? '' : `${left.replace(/^(?=.)/gm, '    ')}\n`}  }

  // Afterwards the tables are as open as they were before. What you took from TO DECIDE stays, unless a statement below takes it back.
  async down(${runner})${result} {
${calls(down)}  }
}
`
  return [{ path: `${stamp}-Partywall.${typed ? 'ts' : 'js'}`, content }]
}

function calls(sections: readonly Section[]): string {
  const statements = ["SET LOCAL lock_timeout = '5s'", ...sections.flatMap((section) => section.statements)]
  return statements.map((statement) => `    await queryRunner.query(${templateLiteral(statement)})\n`).join('')
}
