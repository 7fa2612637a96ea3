import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Bench, BenchReport } from './harness/contract.ts'

const here = dirname(fileURLToPath(import.meta.url))
const names = readdirSync(here)
  .filter((file) => file.endsWith('.js') && file !== 'main.js')
  .map((file) => file.slice(0, -3))
  .sort()

const usage = `npm run bench -- NAME [--json] [--check] [--runs N]

  NAME     ${names.join(' | ')}
  --json   one JSON document on standard output
  --check  exit 1 also when a goal is missed
  --runs   interleaved runs, at least 5 (default 5)

Exit code: 0 measured, 1 a correctness check failed (with --check: or a goal was missed), 2 could not run.`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      runs: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  })
  const name = positionals[0]
  if (values.help) {
    console.log(usage)
    return 0
  }
  const runs = Number(values.runs)
  if (name === undefined || !names.includes(name) || !Number.isInteger(runs) || runs < 5) {
    console.error(usage)
    return 2
  }
  const loaded: { readonly bench: Bench } = await import(new URL(`./${name}.js`, import.meta.url).href)
  const report = await loaded.bench.run({ runs, log: (line) => console.error(line) })
  if (values.json) console.log(JSON.stringify({ bench: name, node: process.version, runs, ...report }, null, 2))
  else print(loaded.bench, report)
  const missed = report.goals.some((goal) => !goal.met)
  return report.failures.length > 0 || (values.check && missed) ? 1 : 0
}

function print(bench: Bench, report: BenchReport): void {
  console.log(`${bench.name}: ${bench.question}\n`)
  for (const goal of report.goals) {
    const wanted = `${goal.direction === 'at-least' ? '>=' : '<='} ${goal.target}`
    console.log(
      `  ${goal.met ? 'met   ' : 'missed'}  ${goal.ratio} [${goal.low} - ${goal.high}]  (${wanted})  ${goal.goal}`,
    )
  }
  for (const failure of report.failures) console.log(`  FAILED  ${failure}`)
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : error)
    process.exitCode = 2
  },
)
