import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { blindKeysOf, labelsOf } from '../../tenancy/blind-keys.ts'
import { type CureIndex, type IndexCure, indexCure } from '../../tenancy/index-cures.ts'
import { type Change, type Decision, NOTHING, type Part } from '../change.ts'
import type { Planning } from '../input.ts'
import type { Target } from '../target.ts'
import { concurrentIndex, indexInTransaction } from './indexes.ts'

/**
 * Indexes that PostgreSQL can use below the policies, in place of blind keys (docs/glossary.md): partial indexes for enums, and generated
 * columns. Without `--indexes` they are a decision, because a generated column rewrites the table and queries must name it.
 */
export function blindIndexes(planning: Planning, target: Target): Part {
  const { relation, column } = target
  if (target.kind === 'root' || relation.isPartition || relation.kind === 'foreign-table') return NOTHING
  const blind = blindKeysOf(planning.catalog, relation, column.existing?.number).filter(({ constraint }) => !constraint)
  if (blind.length === 0) return NOTHING
  const cures = blind.map(({ index, key }) => ({
    name: `${index.name} (${key.key})`,
    cure: indexCure(relation, [column.name], index, key, labelsOf(planning.catalog, relation, key)),
  }))
  const written = cures.flatMap(({ cure }) => changesOf(target, cure))
  const rest = cures.filter(({ cure }) => cure.kind === 'advice')
  if (!planning.indexes) {
    const sql = written.flatMap(({ up, upTogether }) => upTogether ?? up)
    return { changes: [], decisions: [decision(relation.label, cures, [...new Set(sql)])] }
  }
  return { changes: written, decisions: rest.length === 0 ? [] : [decision(relation.label, rest, [])] }
}

interface NamedCure {
  readonly name: string
  readonly cure: IndexCure
}

function decision(label: string, cures: readonly NamedCure[], sql: readonly string[]): Decision {
  const advice = cures.flatMap(({ name, cure }) => (cure.kind === 'advice' ? [`For ${name}: ${cure.advice}.`] : []))
  const queries = cures.flatMap(({ cure }) => (cure.kind === 'twin' ? [cure.query] : []))
  return {
    // A separate name, so that other decisions about the table are still listed.
    object: `${label} (indexes)`,
    reason: [
      `below a policy PostgreSQL can't use ${cures.map(({ name }) => name).join(', ')} for conditions: such a query reads all rows of its tenant (policy-blinds-index).`,
      ...advice,
      ...(queries.length === 0 ? [] : [`Queries must change: ${queries.join('; ')}.`]),
      ...(sql.length === 0
        ? []
        : ['With --indexes partywall protect may write these, if the tables are large enough then:']),
    ].join(' '),
    ...(sql.length === 0 ? {} : { sql: sql.join('\n') }),
  }
}

function changesOf(target: Target, cure: IndexCure): readonly Change[] {
  if (cure.kind === 'advice') return []
  if (cure.kind === 'partial') return cure.indexes.map((index) => createIndex(target, index))
  const { relation } = target
  const table = qualifiedName(relation)
  const name = quoteIdentifier(cure.column)
  return [
    {
      phase: 'columns',
      object: relation.label,
      up: [
        `-- Rewrites the table and locks it meanwhile. Queries must change: ${cure.query}\nALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${name} ${cure.type} GENERATED ALWAYS AS (${cure.expression}) STORED;`,
      ],
      down: [`ALTER TABLE ${table} DROP COLUMN IF EXISTS ${name};`],
    },
    createIndex(target, cure.index),
  ]
}

function createIndex(target: Target, { name, columns, where }: CureIndex): Change {
  if (target.relation.kind === 'partitioned-table') return indexInTransaction(target, name, columns, where)
  return concurrentIndex(target, name, columns, { where })
}
