// npm run instructions [-- --record]: counts the server's instructions of each kind of statement under valgrind, and compares them with
// bench/instructions/record.json. A count of more than 5 % above the record fails, if statements without partywall have the same count as
// before. The count does not depend on how busy or fast the machine is.
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import { fillStage, WALLS } from '../statements/stage.ts'
import { STATEMENTS } from '../statements/statements.ts'
import { type Column, countInstructions, ofConnection } from './count.ts'

type Counts = { [statement: string]: { [wall: string]: number } }

const RECORD = join(packageRoot(), 'bench', 'instructions', 'record.json')
const TOLERANCE = 1.05
const COLUMNS: readonly Column[] = [...WALLS, 'placed']
/** Goal: a sealed select in a tenant's own schema, compared with one in shared tables. */
const PLACED_AT_MOST = 1.1

/** Without these, the C library and OpenSSL choose code by the processor at hand, and machines would count differently. */
const SAME_CODE = [
  'OPENSSL_ia32cap=0x0:0x0',
  'GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F,-AVX512VL,-ERMS,-AVX_Fast_Unaligned_Load',
]

async function measure(): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'partywall-instructions-'))
  // The server may run as another user.
  await chmod(folder, 0o777)
  const under = ['env', ...SAME_CODE, 'valgrind', '--tool=callgrind', '--quiet', `--callgrind-out-file=${folder}/%p`]
  // A vacuum in between would be counted.
  const server = await startPostgres({ under, externalUrl: undefined, settings: { autovacuum: 'off' } })
  try {
    const counted = { folder, stage: await fillStage(server) }
    // The first connection to a database fills caches of the server, which later connections use.
    await ofConnection(counted, 'plain', 'select by key', 1)
    const found: Counts = {}
    for (const name of Object.keys(STATEMENTS)) {
      const row: Counts[string] = {}
      for (const wall of COLUMNS) row[wall] = await countInstructions(counted, wall, name)
      found[name] = row
      console.log(`${name.padEnd(14)} ${COLUMNS.map((wall) => `${wall} ${String(row[wall]).padStart(7)}`).join('   ')}`)
    }
    return found
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * On another processor, the C library may run other code. Instructions that this adds to a statement without partywall do not count against
 * partywall.
 */
function above(found: Counts, recorded: Counts): string[] {
  return Object.entries(found).flatMap(([name, row]) => {
    const elsewhere = Math.max(1, (row['plain'] ?? 0) / (recorded[name]?.['plain'] ?? Number.POSITIVE_INFINITY))
    return Object.entries(row).flatMap(([wall, count]) => {
      const before = recorded[name]?.[wall]
      if (before === undefined) return [`${name}, ${wall}: is not in the record`]
      const ratio = count / (before * elsewhere)
      return ratio > TOLERANCE
        ? [`${name}, ${wall}: ${count}, which is ${ratio.toFixed(2)} of what the record allows for (${before})`]
        : []
    })
  })
}

if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.error('valgrind is not installed. It counts the instructions: apt-get install valgrind')
  process.exit(2)
}
const found = await measure()
const select = found['select by key']
const placed = (select?.['placed'] ?? Number.POSITIVE_INFINITY) / (select?.['sealed'] ?? 1)
console.log(
  `sealed select by key in a schema, relative to shared tables (goal: at most ${PLACED_AT_MOST}): ${placed.toFixed(3)}`,
)
if (process.argv.includes('--record')) {
  await writeFile(RECORD, `${JSON.stringify(found, null, 2)}\n`)
  console.log(`recorded in ${RECORD}`)
} else {
  const problems = above(found, JSON.parse(await readFile(RECORD, 'utf8')))
  if (placed > PLACED_AT_MOST)
    problems.push(`a sealed select in a schema costs ${placed.toFixed(2)} of one in shared tables`)
  for (const problem of problems) console.log(`✗ ${problem}`)
  console.log(
    `${Object.values(found).flatMap(Object.values).length - problems.length} passed, ${problems.length} failed`,
  )
  process.exitCode = problems.length > 0 ? 1 : 0
}
