import { fetchJwks } from '../auth/jwks-fetch.ts'
import { silentLogger } from '../logger/logger.ts'
import { type DoctorLine, type DoctorSettings, error, messageOf, ok, skipped, warning } from './doctor-line.ts'

const AREA = 'identity provider'
const LIMIT_MS = 5_000
const SKEW_SECONDS = 5

/** Fetches the keys of the identity provider as the verifier does, and compares the provider's clock with this machine's clock. */
export async function examineIdentityProvider({ jwksUrl }: DoctorSettings): Promise<readonly DoctorLine[]> {
  if (jwksUrl === undefined)
    return [skipped(AREA, 'Not looked at. If an identity provider signs your tokens, set JWKS_URL or give --jwks-url.')]
  if (!URL.canParse(jwksUrl)) return [error(AREA, 'JWKS_URL is not a URL.', 'Give the jwks_uri of the provider.')]
  const url = new URL(jwksUrl)
  try {
    const keys = await fetchJwks(url, AbortSignal.timeout(LIMIT_MS), silentLogger)
    const insecure = url.protocol === 'https:' || isLoopback(url) ? [] : [INSECURE]
    return [ok(AREA, `${url.origin} publishes ${keys.size} usable keys.`), ...insecure, ...(await clockOf(url))]
  } catch (problem) {
    const cause = problem instanceof Error && problem.cause instanceof Error ? ` (${problem.cause.message})` : ''
    const fix = 'Open the URL with curl from this machine. Redirects are not followed: give the final URL.'
    return [error(AREA, `The keys of ${url.origin} can't be fetched: ${messageOf(problem)}${cause}`, fix)]
  }
}

const INSECURE = error(
  AREA,
  'JWKS_URL is plain http: an attacker on the network path can replace the keys.',
  'Use https, or auth.keys.allowHttp inside a network that you trust.',
)

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

async function clockOf(url: URL): Promise<readonly DoctorLine[]> {
  const response = await fetch(url, {
    method: 'HEAD',
    redirect: 'manual',
    signal: AbortSignal.timeout(LIMIT_MS),
  }).catch(() => undefined)
  const date = Date.parse(response?.headers.get('date') ?? '')
  if (Number.isNaN(date)) return []
  const apart = Math.abs(Date.now() - date) / 1000
  // The header Date has whole seconds, so allow one second more.
  if (apart <= SKEW_SECONDS + 1) return []
  const sentence = `The clocks of this machine and of ${url.origin} differ by ${Math.round(apart)} seconds, so that fresh tokens may be refused.`
  return [
    warning('clocks', sentence, 'Synchronise the clock of this machine with NTP, or raise auth.clockToleranceSeconds.'),
  ]
}
