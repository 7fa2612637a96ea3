import type { ProtectPlan } from '../change.ts'
import {
  decisionsAsCode,
  headWithDecisions,
  type MigrationFile,
  type Script,
  type Section,
  scriptsOf,
} from './script.ts'
import { stampAfter } from './stamp.ts'

/** `TIMESTAMP_partywall[_phase].cjs`: CommonJS, so that it loads whatever the package's own type is. */
export function renderKnex(plan: ProtectPlan, now: Date): readonly MigrationFile[] {
  return scriptsOf(plan).map((script, at) => ({
    path: `${stampAfter(now, at)}_partywall${script.slug === '' ? '' : `_${script.slug}`}.cjs`,
    content: file(script),
  }))
}

function file(script: Script): string {
  const { decisions } = script
  const head = headWithDecisions(script.phase, decisions).replace(/^--/gm, '//')
  const left = decisionsAsCode(decisions, (sql) => `await knex.raw(${template(sql)})`).replace(/^(?=.)/gm, '  ')
  // Statements that can't run in a transaction are sent one by one, because several statements in one message are one transaction.
  const config = script.apart ? '\nexports.config = { transaction: false }\n' : ''
  return `${head}
${config}
exports.up = async (knex) => {
${body(script.up, script.apart)}${left === '' ? '' : `${left}\n`}}

// Down migration. Afterwards the tables are as open as they were before. Statements of TO DECIDE that you ran stay in force, unless a statement below undoes them.
exports.down = async (knex) => {
${body(script.down, script.apart)}}
`
}

function body(sections: readonly Section[], apart: boolean): string {
  const statements = sections.flatMap((section) => section.statements)
  // Outside of a transaction each statement may use another connection, and a lock_timeout set there would stay in knex's pool.
  const all = apart || statements.length === 0 ? statements : ["SET LOCAL lock_timeout = '5s';", ...statements]
  return all.map((statement) => `  await knex.raw(${template(statement)})\n`).join('')
}

/** A template literal for knex.raw. knex reads ? and ?? as bindings unless a backslash precedes them. */
function template(sql: string): string {
  const unbound = sql.replaceAll('?', '\\?')
  return `\`${unbound.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
}
