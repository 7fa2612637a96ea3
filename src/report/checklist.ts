import type { Evidence, Verdict } from './evidence.ts'
import { type ChecklistLineDefinition, type ChecklistLineId, checklistLines } from './lines.ts'

/** One line with its verdict and its evidence. */
export interface ChecklistLine extends ChecklistLineDefinition {
  readonly verdict: Verdict
  /** Number of checks that held, summed over the proved evidence of this line. */
  readonly count: number
  /** Why the line is open or failed. Absent if the line is proved. */
  readonly reason?: string
  readonly evidence: readonly Evidence[]
}

export interface Checklist {
  readonly lines: readonly ChecklistLine[]
  readonly proved: number
  readonly open: number
  readonly failed: number
  /** Number of scenarios that held for the line `security-no-leak`. */
  readonly scenarios: number
  /** True only when every line was proved. */
  readonly complete: boolean
}

/**
 * Judges the checklist of a multi-tenant system from the evidence of one run.
 *
 * One failed piece of evidence makes a line failed. Otherwise a line is open in each of these cases: it has no evidence, a piece of its
 * evidence is open, a proved piece counts no check, or fewer checks held than the line needs.
 *
 * @throws {TypeError} if a piece of evidence names an unknown line, has no verdict, or has a count that is not a whole number from 0
 */
export function checklist(evidence: readonly Evidence[]): Checklist {
  const byLine = new Map<ChecklistLineId, Evidence[]>(checklistLines.map((line) => [line.id, []]))
  for (const piece of evidence) {
    const pieces = byLine.get(piece.line)
    if (pieces === undefined) throw new TypeError(`Evidence names no line of the checklist: ${String(piece.line)}`)
    checkPiece(piece)
    pieces.push(piece)
  }
  const lines = checklistLines.map((line) => judgeLine(line, byLine.get(line.id) ?? []))
  const number = (verdict: Verdict) => lines.filter((line) => line.verdict === verdict).length
  return {
    lines,
    proved: number('proved'),
    open: number('open'),
    failed: number('failed'),
    scenarios: lines.find((line) => line.id === 'security-no-leak')?.count ?? 0,
    complete: lines.every((line) => line.verdict === 'proved'),
  }
}

function checkPiece(piece: Evidence): void {
  if (piece.verdict !== 'proved' && piece.verdict !== 'open' && piece.verdict !== 'failed') {
    throw new TypeError(`Evidence for ${piece.line} has no verdict of proved, open or failed.`)
  }
  if (!Number.isSafeInteger(piece.count) || piece.count < 0) {
    throw new TypeError(`Evidence for ${piece.line} must count its checks in whole numbers from 0.`)
  }
}

function judgeLine(line: ChecklistLineDefinition, evidence: readonly Evidence[]): ChecklistLine {
  const proofs = evidence.filter((piece) => piece.verdict === 'proved')
  const count = proofs.reduce((sum, piece) => sum + piece.count, 0)
  const failure = evidence.find((piece) => piece.verdict === 'failed')
  if (failure !== undefined) return { ...line, verdict: 'failed', count, reason: failure.detail, evidence }
  const open = (reason: string): ChecklistLine => ({ ...line, verdict: 'open', count, reason, evidence })
  if (evidence.length === 0)
    return open(`not tried in this run; in partywall's repository \`${line.triedBy}\` tries it`)
  const undecided = evidence.find((piece) => piece.verdict === 'open')
  if (undecided !== undefined) return open(undecided.detail)
  if (proofs.some((piece) => piece.count === 0)) return open('evidence that counts no check proves nothing')
  const atLeast = line.atLeast ?? 1
  if (count < atLeast) return open(`${count} scenarios held, at least ${atLeast} are needed`)
  return { ...line, verdict: 'proved', count, evidence }
}
