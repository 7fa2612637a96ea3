import type { ZodType } from 'zod'
import { ConfigurationError } from '../errors.ts'
import { oldNode } from './node-version.ts'

// Most entry points load this file, so an old Node.js is refused here, and not later at the first missing function.
const refusal = oldNode(process.versions.node)
if (refusal !== undefined) throw new ConfigurationError(refusal)

/**
 * Checks options once, at construction. The error lists all problems. For each problem it names the option and the expected kind, and never
 * the value.
 *
 * @param name the name of the options for the error: `createTenantPool(options)`
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
