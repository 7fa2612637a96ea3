import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import type { TenantHint } from '../tenants/agreement.ts'

/** Hints: places of a request, other than the token, that may name a tenant. A tenant that they name must match the token. */
export interface AgreementOptions {
  /** The headers that may name a tenant. Default `['x-tenant-id']`; `[]`: none. */
  readonly headers?: readonly string[] | undefined
  /** `example.com`: the part of the host before this domain (`acme` in `acme.example.com`) names the tenant. */
  readonly subdomainOf?: string | undefined
  /** Subdomains that name no tenant; default `['www', 'api']`. */
  readonly ignoreSubdomains?: readonly string[] | undefined
  /** `/t/:tenant`: paths with this prefix name the tenant. */
  readonly path?: string | undefined
}

/** A request in a form that does not depend on the framework. */
export interface HintSource {
  header(name: string): string | readonly string[] | undefined
  /** The host without the port, as the framework reports it. The framework's setting for proxies applies. */
  readonly host: string | undefined
  /** The path without the query. */
  readonly path: string
}

const schema = z.strictObject({
  headers: z.array(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be names of headers')).optional(),
  subdomainOf: z
    .string()
    .regex(/^[a-z0-9.-]+$/i, 'must be a domain without port')
    .optional(),
  ignoreSubdomains: z.array(z.string()).optional(),
  path: z
    .string()
    .regex(/^\/(.*\/)?:tenant(\/|$)/, 'must be a path with a segment :tenant')
    .optional(),
})

type HintReader = (request: HintSource) => readonly TenantHint[]

const readers = new WeakMap<AgreementOptions, HintReader>()
const noOptions: AgreementOptions = Object.freeze({})

/**
 * Returns the function that lists a request's hints. It is compiled once for each options object, because some adapters pass their options
 * again with each request.
 *
 * @param caller the beginning of error messages, such as `tenantContextMiddleware(wall, { agreement })`
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function hintReader(
  options: AgreementOptions = noOptions,
  caller = 'tenantContextMiddleware(wall, { agreement })',
): HintReader {
  const known = typeof options === 'object' && options !== null ? readers.get(options) : undefined
  if (known !== undefined) return known
  const made = compileHintReader(options, caller)
  readers.set(options, made)
  return made
}

function compileHintReader(options: AgreementOptions, caller: string): HintReader {
  const checked = parseOptions(schema, options, caller)
  const headers = (checked.headers ?? ['x-tenant-id']).map((name) => name.toLowerCase())
  const suffix = checked.subdomainOf === undefined ? undefined : `.${checked.subdomainOf.toLowerCase()}`
  const ignored = new Set((checked.ignoreSubdomains ?? ['www', 'api']).map((name) => name.toLowerCase()))
  const pattern = checked.path?.split('/').slice(1)
  return (request) => {
    const hints: TenantHint[] = []
    for (const name of headers) {
      const value = request.header(name)
      if (value !== undefined)
        hints.push({ source: `header ${name}`, value: typeof value === 'string' ? value : value.join(', ') })
    }
    // `acme.example.com.` with a final dot is the same host.
    const host = request.host?.toLowerCase().replace(/\.$/, '')
    if (suffix !== undefined && host?.endsWith(suffix)) {
      const value = host.slice(0, -suffix.length)
      if (!ignored.has(value)) hints.push({ source: 'subdomain', value })
    }
    const named = pattern === undefined ? undefined : pathTenant(pattern, request.path.split('/').slice(1))
    if (named !== undefined) hints.push({ source: 'path', value: named })
    return hints
  }
}

/** Decodes literal segments and compares them without regard to case, because some routers match in this way. */
function pathTenant(pattern: readonly string[], segments: readonly string[]): string | undefined {
  let tenant: string | undefined
  for (const [index, wanted] of pattern.entries()) {
    const segment = segments[index]
    if (segment === undefined) return undefined
    if (wanted === ':tenant') tenant = decoded(segment)
    else if (wanted !== '' && wanted.toLowerCase() !== decoded(segment).toLowerCase()) return undefined
  }
  return tenant
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // malformed: it names no tenant, so it never matches the token
  }
}
