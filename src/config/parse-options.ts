import type { ZodType } from 'zod'
import { ConfigurationError } from '../errors.ts'
import { oldNode } from './node-version.ts'

// Every door loads this file. Without it an old Node would fail later, on the first function that it does not have.
const refusal = oldNode(process.versions.node)
if (refusal !== undefined) throw new ConfigurationError(refusal)

/**
 * Checks options once, at construction. All problems at once; each with its path and the kind expected, never a value.
 *
 * @param name what the options belong to, as the reader knows it: `createTenantPool(options)`
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function parseOptions<T>(schema: ZodType<T>, options: unknown, name: string): T {
  const result = schema.safeParse(options)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.length === 0 ? 'options' : issue.path.map(String).join('.')
    return `${path}: ${issue.message}`
  })
  throw new ConfigurationError(`${name} is not valid:\n  ${problems.join('\n  ')}`, { details: { problems } })
}
