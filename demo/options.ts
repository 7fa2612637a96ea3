import { parseArgs } from 'node:util'
import { type LayerName, layerNames } from './layers.ts'

export interface DemoOptions {
  /** The demo ends after the attacks. Otherwise the API runs until Ctrl-C. */
  readonly once: boolean
  readonly json: boolean
  /** Every attack and all evidence. */
  readonly verbose: boolean
  readonly without: LayerName | undefined
  /** 0: any free port. */
  readonly port: number
  readonly help: boolean
}

export const usage = `npm run demo -- [--once] [--verbose] [--json] [--port N] [--without LAYER]

A small real API of two tenants on a real PostgreSQL, and every attack on it that partywall knows.

  --once           end after the attacks; exit code 0 only if all held
  --verbose        every attack, and the evidence of each line
  --json           the result as JSON on standard output
  --port N         the API's port (default: a free one)
  --without LAYER  take one layer out first; the attacks that it held get through, exit code 1
                   ${layerNames.join(', ')}

Without --once the API stays up, for the curl lines that are printed, until Ctrl-C.
Exit code: 0 all held, 1 an attack got through, 2 could not run.`

export function readOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      without: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`--port must be a number from 0 to 65535, got '${values.port}'`)
  }
  return {
    once: values.once,
    json: values.json,
    verbose: values.verbose,
    without: readLayer(values.without),
    port,
    help: values.help,
  }
}

function readLayer(name: string | undefined): LayerName | undefined {
  if (name === undefined) return undefined
  const layer = layerNames.find((each) => each === name)
  if (layer === undefined) throw new RangeError(`There is no layer '${name}'. There are: ${layerNames.join(', ')}`)
  return layer
}
