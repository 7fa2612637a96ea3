import { huntMutants, mutantNames } from './mutate.ts'
import { type HuntOptions, readOptions, usage } from './options.ts'
import { type HuntResult, hunt } from './run.ts'

async function main(argv: readonly string[]): Promise<number> {
  let options: HuntOptions
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
  if (options.mutate === 'list') {
    console.log(mutantNames().join('\n'))
    return 0
  }
  if (options.mutate !== undefined) return huntMutants(options.mutate, options)
  console.error(
    `leak hunt: seed ${options.seed}, ${options.sealed ? 'sealed' : 'unsealed'}${options.pooler ? ', through PgBouncer' : ''}${options.upgrade ? ', during upgrades' : ''}`,
  )
  const result = await hunt(options, (line) => console.error(`  ${line}`))
  if (options.json) console.log(JSON.stringify(result, null, 2))
  else print(result)
  if (result.upgrades === 0) {
    console.error('The policies never changed, so the hunt says nothing of upgrades. Run it with more operations.')
    return 1
  }
  const unseenFaults = Object.values(result.faults).filter((count) => count === 0).length
  if (options.faults >= 15 && unseenFaults > 0 && !Number.isFinite(options.seconds)) {
    console.error(
      `${unseenFaults} kinds of faults never occurred, so the hunt proves less than it should. Run it with more operations.`,
    )
    return 1
  }
  return Object.keys(result.violations).length > 0 ? 1 : 0
}

function print(result: HuntResult): void {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `    ${String(count).padStart(6)}  ${name}`)
      .join('\n')
  console.log(`
operations             ${result.operations} in ${result.seconds} s, ${result.attacks} of them attacks
moves of tenants       ${result.moves}, and ${result.tenantsAdded} new tenants
rows written           ${result.rowsWritten}, each looked at again at the end
connections looked at  ${result.connectionsLookedAt}${result.upgrades === undefined ? '' : `\nupgrades, downgrades   ${result.upgrades}`}
faults
${list(result.faults)}
connections destroyed
${list(result.destroyed)}
leaks                  ${result.leaks}`)
  if (Object.keys(result.violations).length === 0) return
  console.log(`violations\n${list(result.violations)}`)
  for (const { kind, detail } of result.examples.slice(0, 12)) console.log(`    ${kind}: ${detail}`)
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : error)
    process.exit(2)
  },
)
