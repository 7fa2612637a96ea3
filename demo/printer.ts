import { paint } from '../cli/shared/terminal.ts'
import type { Checklist } from '../src/report/checklist.ts'
import { renderChecklist } from '../src/report/render-checklist.ts'
import type { AttackResult } from './run-attacks.ts'
import { explainCodes } from './words.ts'

/** Prints a run of the demo. */
interface DemoPrinter {
  group(title: string): void
  result(result: AttackResult): void
  /** The last group has ended. */
  groupsEnd(): void
  /** A line of `verify`, or of the test suite. */
  database(line: string): void
  checklist(list: Checklist): void
}

/** Every attack with what was seen, and every line of the checklist with its evidence. */
export function verbosePrinter(say: (line: string) => void): DemoPrinter {
  return {
    group: (title) => say(`\n${paint('bold', title)}`),
    result: (result) => say(lineOf(result)),
    groupsEnd: () => {},
    database: (line) => say(`  ${line}`),
    checklist: (list) => say(`\n${renderChecklist(list)}`),
  }
}

/** How many attacks of a group are shown. The others are counted. */
const SHOWN = 2

/** Attacks that show what is behind a group better than its first ones do. */
const TELLING = [
  'PATCH /documents/<id of Globex>',
  'POST /documents with tenant_id of Globex in the body',
  'a document in a project of Globex',
  'the schema of Initech by name, path and set_config',
  'set_config of Globex and query_to_xml in one SELECT',
  'what the seal is for: the same set_config attack on a copy of the table without it',
  'a suspended tenant with a valid token',
  "Acme's signature under the claims of Globex",
  'a careless cache that forgets whose rows it holds',
  'a viewer creates a document',
  'the same flood from a tenant of tier pro',
  'the tenant directory is down for 40 requests',
  'Globex reads the audit log',
  'an administrator changes one event by hand',
]

function telling(results: readonly AttackResult[]): readonly AttackResult[] {
  const chosen = results.filter(({ attack }) => TELLING.includes(attack.title))
  return (chosen.length >= SHOWN ? chosen : results).slice(0, SHOWN)
}

/** For readers who look for one minute: of each group the count and two attacks, and everything that did not hold. */
export function shortPrinter(say: (line: string) => void): DemoPrinter {
  let title = ''
  let results: AttackResult[] = []
  const endGroup = () => {
    if (results.length === 0) return
    const broken = results.filter(({ outcome }) => !outcome.held)
    say(paint('bold', `${title}: ${results.length - broken.length} of ${results.length} held`))
    for (const result of broken.length > 0 ? broken : telling(results)) say(lineOf(result))
    results = []
  }
  return {
    group(next) {
      endGroup()
      title = next
    },
    result: (result) => void results.push(result),
    groupsEnd: endGroup,
    database: (line) => {
      // Verdicts of single tables are for --verbose, unless one of them is bad.
      if (!/^\S+( in \d+ schemas)? +select /.test(line) || /leaks|unproved|unreliable/.test(line)) say(`  ${line}`)
    },
    checklist: (list) => say(`\n${withoutEvidence(renderChecklist(list), list)}`),
  }
}

/** Lines of evidence stand below each line. What is not proved keeps its reason. */
function withoutEvidence(text: string, list: Checklist): string {
  if (!list.complete) return text
  return text
    .split('\n')
    .filter((line) => !line.startsWith('      '))
    .join('\n')
}

function lineOf({ attack, outcome }: AttackResult): string {
  const mark = outcome.held ? paint('green', '  held   ') : paint('red', '  BROKEN ')
  return `${mark} ${attack.title}: ${explainCodes(outcome.seen)}`
}
