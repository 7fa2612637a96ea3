import { parseArgs } from 'node:util'
import { readWeakness, type Weakness, weaknesses } from './weaken.ts'

export interface HuntOptions {
  readonly operations: number
  readonly faults: number
  /** Ends the hunt after this time, even if operations remain. Infinity: no limit. */
  readonly seconds: number
  readonly seed: number
  readonly sealed: boolean
  /** Through PgBouncer in transaction mode. */
  readonly pooler: boolean
  /** Starts on a database of the release before, and upgrades and downgrades it while statements run. */
  readonly upgrade: boolean
  /** A protection of the database that is taken out. */
  readonly weaken: Weakness | undefined
  /** Ends at the first check that finds a violation. */
  readonly untilFound: boolean
  readonly mutate: string | undefined
  readonly json: boolean
  readonly help: boolean
}

export const usage = `npm run leak-hunt -- [--operations N --faults M | --seconds S] [--seed X] [--unsealed | --upgrade] [--pooler] [--mutate NAME] [--json]

Many tenants on two pools, some in schemas of their own, some moving; random work, faults and attacks; every row that is read and every row
that was written is checked.

  --operations N     how many operations (default 5000)
  --faults M         how many faults among them (default 100)
  --seconds S        as many as fit, a fault for every 50 operations
  --seed X           the plan's seed; printed at the start (the timing is not fixed by it)
  --unsealed         without the seal
  --pooler           through PgBouncer in transaction mode, with server_reset_query_always (on PATH, or fetched on Debian)
  --upgrade          starts on a database of the release before, with a process of it; upgrades and downgrades go on all the time
  --until-found      ends as soon as something was found (looked at every 1,000 operations)
  --mutate NAME      breaks the wall in one place, in a copy of the build; the hunt must find it ('list' names them, 'all' runs all)
  --weaken NAME      takes out a protection of the database (for mutants): ${weaknesses.join(', ')}
  --json             the result as JSON

Exit code: 0 nothing found, 1 a leak or a broken invariant, 2 could not run.`

export function readOptions(argv: readonly string[]): HuntOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      operations: { type: 'string' },
      faults: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      unsealed: { type: 'boolean', default: false },
      pooler: { type: 'boolean', default: false },
      upgrade: { type: 'boolean', default: false },
      weaken: { type: 'string' },
      'until-found': { type: 'boolean', default: false },
      mutate: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.upgrade && values.unsealed) throw new RangeError('--upgrade changes the seal, so it excludes --unsealed')
  const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : number('--seconds', values.seconds)
  const operations = values.operations === undefined ? undefined : number('--operations', values.operations)
  const fallback = Number.isFinite(seconds) ? 10_000_000 : 5_000
  return {
    operations: operations ?? fallback,
    faults: values.faults === undefined ? Math.ceil((operations ?? fallback) / 50) : number('--faults', values.faults),
    seconds,
    seed: values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : number('--seed', values.seed),
    sealed: !values.unsealed,
    pooler: values.pooler,
    upgrade: values.upgrade,
    weaken: values.weaken === undefined ? undefined : readWeakness(values.weaken),
    untilFound: values['until-found'],
    mutate: values.mutate,
    json: values.json,
    help: values.help,
  }
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name} must be a number from 0, got '${text}'`)
  return value
}
