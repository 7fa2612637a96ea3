import type { Comparison } from './compare.ts'

/** What a run printed, line by line: one for each case, then the sums with the cases named that count against us. */
export function summaryOf(
  rows: readonly Comparison[],
  told: { readonly withoutCases: readonly string[]; readonly failed: readonly string[] },
): readonly string[] {
  const found = (is: boolean) => (is ? 'found ' : 'missed')
  const lines = rows.map(({ rule, name, hole, clean, alarms }) => {
    const marks = `partywall ${found(hole.ours)}  tenant-guard ${found(hole.peer)}`
    const counts = `alarms on ${clean} clean: ${alarms.ours.length} / ${alarms.peer.length}`
    return `${rule.padEnd(32)}  ${marks}  ${counts}${name === undefined ? '' : `  (${name})`}`
  })
  const sum = (of: (row: Comparison) => number) => rows.reduce((total, row) => total + of(row), 0)
  const list = (title: string, items: readonly string[]) => [
    `${title}: ${items.length === 0 ? 'none' : items.length}`,
    ...items.map((item) => `  ${item}`),
  ]
  return [
    ...lines,
    '',
    ...list(
      'other holes in schemas that are clean of the rule they show, not counted below',
      rows.flatMap((row) => row.beside.map((each) => `${titleOf(row)}, ${each}`)),
    ),
    `classes that are notes and have no hole to compare: ${told.withoutCases.join(', ') || 'none'}`,
    ...list('cases that could not be run', told.failed),
    ...list('holes that partywall misses', rows.filter((row) => !row.hole.ours).map(titleOf)),
    ...list(
      'holes that tenant-guard finds and partywall misses',
      rows.filter((row) => row.hole.peer && !row.hole.ours).map(titleOf),
    ),
    ...list(
      'false alarms of partywall',
      rows.flatMap((row) => row.alarms.ours.map((each) => `${titleOf(row)}, ${each}`)),
    ),
    '',
    `${rows.length} holes: partywall found ${sum((row) => Number(row.hole.ours))}, tenant-guard ${sum((row) => Number(row.hole.peer))}`,
    `${sum((row) => row.clean)} clean schemas: false alarms of partywall ${sum((row) => row.alarms.ours.length)}, of tenant-guard ${sum((row) => row.alarms.peer.length)}`,
  ]
}

function titleOf({ rule, name }: Comparison): string {
  return name === undefined ? rule : `${rule} (${name})`
}
