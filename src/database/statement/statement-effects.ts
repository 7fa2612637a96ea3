import type { StatementKind } from './statement-kind.ts'

const WITHOUT_DATA = new Set<StatementKind>([
  'begin',
  'commit',
  'rollback',
  'rollback-to',
  'savepoint',
  'release',
  'set-transaction',
  'set-local',
  'show',
  'empty',
  'copy-from',
])

/** Whether a statement may touch rows, and so needs the context in front of it. */
export function carriesData(kind: StatementKind): boolean {
  return kind === 'data' || !WITHOUT_DATA.has(kind)
}

/** Whether a text is one statement, for texts that are sent by the simple protocol. */
export function isSingleStatement(text: string): boolean {
  return !/;\s*\S/.test(text)
}
