import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv'

let validate: ValidateFunction | undefined

/** What the official schema of SARIF 2.1.0 says is wrong with a log, by path; empty for a valid one. */
export function sarifProblems(log: unknown): readonly string[] {
  validate ??= compile()
  validate(log)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function compile(): ValidateFunction {
  const path = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json')
  // It names itself in the way of draft 4; all its other keywords mean the same in the draft that is spoken here.
  const { $schema: _, id: _id, ...schema }: SchemaObject = JSON.parse(readFileSync(path, 'utf8'))
  // One of its patterns is no expression with the flag `u`.
  const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false })
  ajv.addFormat('uri', (text) => URL.canParse(text))
  ajv.addFormat('uri-reference', (text) => !/[\s"<>\\^`{|}]/.test(text) && URL.canParse(text, 'file:///'))
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
  return ajv.compile(schema)
}
