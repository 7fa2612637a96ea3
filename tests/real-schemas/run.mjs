// npm run verify:real: partywall verify on schemas that nobody here designed. Each must be judged without an internal error;
// what is found is printed. What protect mended must hold. Needs `npm ci --prefix tests/real-schemas` and a build.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const cases = [
  { name: 'pg-boss', flags: ['--app-role', 'app'] },
  { name: 'graphile-worker', flags: ['--app-role', 'app'] },
  { name: 'connect-pg-simple', flags: ['--app-role', 'app'] },
  { name: 'better-auth', flags: ['--app-role', 'auth_app'] },
  { name: 'better-auth-protected', flags: ['--app-role', 'organization_app'], holds: true },
]

let crashed = 0
let broken = 0
for (const { name, flags, holds } of cases) {
  const make = fileURLToPath(new URL(`./make/${name}.mjs`, import.meta.url))
  const command = `"${process.execPath}" "${make}"`
  const begin = performance.now()
  const result = spawnSync(process.execPath, [program, 'verify', '--run', command, '--format', 'json', ...flags], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  if (result.stdout === '') {
    crashed += 1
    console.log(`${name}: no report (exit code ${result.status})\n${result.stderr}`)
    continue
  }
  const { findings, tables, summary } = JSON.parse(result.stdout)
  const counts = Object.entries(summary.counts.findings).filter(([, number]) => number > 0)
  const verdicts = Object.entries(summary.counts.verdicts).filter(([, number]) => number > 0)
  const list = (entries) => entries.map(([kind, number]) => `${number} ${kind}`).join(', ') || 'none'
  console.log(
    `${name}: exit code ${summary.exitCode}, ${tables.length} tables (${list(verdicts)}), findings: ${list(counts)}, ${seconds} s`,
  )
  for (const finding of findings.filter(({ severity }) => severity !== 'info')) {
    console.log(`  ${finding.severity} ${finding.rule} ${finding.object} (${finding.proof})`)
  }
  for (const error of summary.internalErrors) console.log(`  INTERNAL ERROR in ${error.where}: ${error.message}`)
  if (summary.exitCode === 2) crashed += 1
  if (holds && summary.exitCode !== 0) broken += 1
}
console.log(`\n${cases.length} schemas, ${crashed} without a verdict, ${broken} of those that protect mended broken`)
process.exit(crashed + broken > 0 ? 1 : 0)
