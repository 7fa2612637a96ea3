import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rawSide, walledSide } from '../statements/sides.ts'
import type { Stage, Wall } from '../statements/stage.ts'
import { STATEMENTS } from '../statements/statements.ts'

/** Numbers of statements of the two connections that are compared. The difference does not contain the cost of the connection itself. */
const FEW = 60
const MANY = 260

interface Counted {
  readonly stage: Stage
  /** Where valgrind writes a file for each process of the server, named by its pid. */
  readonly folder: string
}

/** A wall, or `placed`: sealed tables in a schema of each tenant's own. */
export type Column = Wall | 'placed'

/** Instructions of the server for one statement. */
export async function countInstructions(counted: Counted, wall: Column, name: string): Promise<number> {
  const few = await ofConnection(counted, wall, name, FEW)
  const many = await ofConnection(counted, wall, name, MANY)
  return Math.round((many - few) / (MANY - FEW))
}

let firstFreeId = 1_000

/** Instructions of the process of one connection that sends this many statements, for one tenant after the other. */
export async function ofConnection(
  { stage, folder }: Counted,
  wall: Column,
  name: string,
  count: number,
): Promise<number> {
  const statement = STATEMENTS[name]?.(wall === 'placed' ? 'sealed' : wall)
  if (statement === undefined) throw new Error(`there is no statement ${name}`)
  firstFreeId += 10_000
  const connection = wall === 'plain' ? rawSide(stage.url, 1) : walledSide(stage, 1, wall !== 'unsealed')
  const tenants = wall === 'placed' ? [...stage.schemas.keys()] : stage.tenants
  const [first = ''] = tenants
  const { rows } = await connection.run(first, { text: 'select pg_backend_pid() as pid' })
  for (let round = 0; round < count; round++) {
    const tenant = tenants[round % tenants.length] ?? first
    const values = [...statement.values(tenant, round, firstFreeId)]
    await connection.run(tenant, { name, text: statement.text, values })
  }
  await connection.end()
  return total(join(folder, String(rows[0]?.pid)))
}

/** The file is complete once the process has ended, some moments after its connection. */
async function total(file: string): Promise<number> {
  const until = Date.now() + 30_000
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const found = /^(?:totals|summary): (\d+)/m.exec(text)?.[1]
    if (found !== undefined) return Number(found)
    if (Date.now() > until) throw new Error(`valgrind wrote no count to ${file}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
