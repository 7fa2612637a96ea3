import { describeError, paint } from '../cli/shared/terminal.ts'
import { checklist } from '../src/report/checklist.ts'
import { databaseEvidence } from './database-evidence.ts'
import { evidenceOf } from './evidence.ts'
import { isolationSuiteEvidence } from './isolation-suite.ts'
import { type DemoOptions, readOptions, usage } from './options.ts'
import { shortPrinter, verbosePrinter } from './printer.ts'
import { type AttackResult, runAttacks } from './run-attacks.ts'
import { openStage, type Stage } from './stage.ts'
import { welcome } from './welcome.ts'

/** Prints progress. With --json it prints nothing, because standard output is only for the result. */
function say(options: DemoOptions, line: string): void {
  if (!options.json) console.log(line)
}

async function main(argv: readonly string[]): Promise<number> {
  let options: DemoOptions
  try {
    options = readOptions(argv)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  const started = performance.now()
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'))
  })
  say(options, 'Starting PostgreSQL, applying migrations, planting two tenants …')
  const stage = await openStage(options)
  try {
    const outcome = await Promise.race([play(stage, options, started), interrupted])
    if (outcome === 'interrupted') return 130
    if (!options.once) {
      say(options, 'The API stays up. Ctrl-C ends it.')
      await interrupted
    }
    return outcome
  } finally {
    await stage.close()
  }
}

async function play(stage: Stage, options: DemoOptions, started: number): Promise<number> {
  // The addresses are of use only while the API runs.
  if (!options.once || options.verbose) say(options, await welcome(stage))
  const printer = (options.verbose ? verbosePrinter : shortPrinter)((line) => say(options, line))
  const results = await runAttacks(stage, printer)
  printer.groupsEnd()
  say(options, `${options.verbose ? '\n' : ''}${paint('bold', 'The schema itself: partywall verify on this database')}`)
  const evidence = [...evidenceOf(results), ...(await databaseEvidence(stage, printer.database))]
  // If a layer was left out, skip this: the schema is broken on purpose, and the suite uses a wall of its own.
  if (options.without === undefined) evidence.push(await isolationSuiteEvidence(printer.database))
  const list = checklist(evidence)
  const broken = results.filter((result) => !result.outcome.held)
  const seconds = Math.round((performance.now() - started) / 100) / 10
  if (options.json) console.log(JSON.stringify(asJson(results, list, options, seconds), null, 2))
  printer.checklist(list)
  if (options.without !== undefined && broken.some(({ attack }) => attack.layer === options.without)) {
    say(options, paint('red', `'${options.without}' was taken out, and the attacks noticed.`))
  }
  for (const layer of new Set(broken.map(({ attack }) => attack.layer).filter((each) => each !== undefined))) {
    say(options, paint('red', `The layer '${layer}' did not hold.`))
  }
  if (options.without !== undefined && broken.every(({ attack }) => attack.layer !== options.without)) {
    say(options, `No attack noticed that '${options.without}' was taken out: the demo has no attack for this layer.`)
  }
  const more = options.verbose ? '' : '. All of them: --verbose'
  say(options, `${results.length - broken.length} of ${results.length} attacks held, in ${seconds} s${more}`)
  return broken.length === 0 && list.failed === 0 && options.without === undefined ? 0 : 1
}

function asJson(
  results: readonly AttackResult[],
  list: ReturnType<typeof checklist>,
  options: DemoOptions,
  seconds: number,
): unknown {
  return {
    without: options.without ?? null,
    seconds,
    attacks: results.map(({ group, attack, outcome }) => ({
      id: attack.id,
      group,
      title: attack.title,
      layer: attack.layer ?? null,
      ...outcome,
    })),
    brokenLayers: [...new Set(results.filter((each) => !each.outcome.held).map((each) => each.attack.layer ?? null))],
    checklist: list,
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(describeError(error))
    process.exit(2)
  },
)
