// What the schema of SARIF 2.1.0 demands of the properties that we write: required ones, types, enumerations. Properties
// that this file does not know are problems too, since the schema forbids unknown ones in these objects.

type Check = (value: unknown, path: string) => string[]

const text: Check = (value, path) => (typeof value === 'string' && value !== '' ? [] : [`${path} is no text`])
const anything: Check = () => []
const positive: Check = (value, path) =>
  Number.isInteger(value) && Number(value) >= 1 ? [] : [`${path} is no number from 1`]
const index: Check = (value, path) => (Number.isInteger(value) && Number(value) >= -1 ? [] : [`${path} is no index`])
const flag: Check = (value, path) => (typeof value === 'boolean' ? [] : [`${path} is no boolean`])
const uri: Check = (value, path) =>
  typeof value === 'string' && !/[\s"<>\\^`{|}]/.test(value) ? [] : [`${path} is no URI reference`]

function oneOf(...values: readonly string[]): Check {
  return (value, path) => (typeof value === 'string' && values.includes(value) ? [] : [`${path} is none of ${values}`])
}

function listOf(check: Check): Check {
  return (value, path) =>
    Array.isArray(value) ? value.flatMap((item: unknown, at) => check(item, `${path}[${at}]`)) : [`${path} is no list`]
}

function record(required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check {
  return (value, path) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${path} is no object`]
    const entries = new Map<string, unknown>(Object.entries(value))
    return [
      ...Object.keys(required)
        .filter((key) => !entries.has(key))
        .map((key) => `${path}.${key} is missing`),
      ...[...entries].flatMap(([key, item]) => {
        const check = required[key] ?? optional[key]
        return check === undefined ? [`${path}.${key} is unknown`] : check(item, `${path}.${key}`)
      }),
    ]
  }
}

const message = record({ text })
const level = oneOf('none', 'note', 'warning', 'error')
const location = record(
  {},
  {
    physicalLocation: record({ artifactLocation: record({ uri }) }, { region: record({ startLine: positive }) }),
    logicalLocations: listOf(record({ fullyQualifiedName: text, kind: text })),
  },
)
const rule = record(
  { id: text },
  {
    name: text,
    shortDescription: message,
    fullDescription: message,
    help: message,
    defaultConfiguration: record({ level }),
    properties: anything,
  },
)
const result = record(
  { message },
  {
    ruleId: text,
    ruleIndex: index,
    level,
    kind: oneOf('notApplicable', 'pass', 'fail', 'review', 'open', 'informational'),
    locations: listOf(location),
    partialFingerprints: anything,
    properties: anything,
    suppressions: listOf(
      record(
        { kind: oneOf('inSource', 'external') },
        { status: oneOf('accepted', 'underReview', 'rejected'), justification: text },
      ),
    ),
  },
)
const run = record(
  { tool: record({ driver: record({ name: text }, { version: text, semanticVersion: text, rules: listOf(rule) }) }) },
  {
    columnKind: oneOf('utf16CodeUnits', 'unicodeCodePoints'),
    invocations: listOf(
      record(
        { executionSuccessful: flag },
        { exitCode: index, toolExecutionNotifications: listOf(record({ message }, { level })) },
      ),
    ),
    results: listOf(result),
    properties: anything,
  },
)

/** What is wrong with a log, by path; empty for a valid one. */
export const sarifProblems = (log: unknown): string[] =>
  record({ version: oneOf('2.1.0'), runs: listOf(run) }, { $schema: uri })(log, 'log')
