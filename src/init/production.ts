/** Signs that a database may be in production. Empty if there is no such sign. */
export function productionSigns(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const parsed = new URL(url)
  const signs: string[] = []
  if (environment['NODE_ENV'] === 'production') signs.push('NODE_ENV is production')
  // If the query of the URL names a host, pg connects to that host.
  const hosts = [...parsed.searchParams.getAll('host'), ...parsed.searchParams.getAll('hostaddr')]
  if (parsed.hostname !== '' || hosts.length === 0) hosts.push(parsed.hostname)
  for (const host of hosts.flatMap((each) => each.split(',')))
    if (!isPrivateHost(host)) signs.push(`the host ${host} is neither loopback nor private`)
  const names = { host: hosts.join(','), database: parsed.pathname.slice(1), user: parsed.username }
  for (const [what, name] of Object.entries(names))
    if (/(?:^|[^a-z])(?:prod|production|live)(?:$|[^a-z])/i.test(decodeURIComponent(name)))
      signs.push(`the name of the ${what} contains prod or live`)
  return signs
}

/** Whether a host is loopback, in a private network, a socket, or a name without a dot, such as a service of docker-compose. */
function isPrivateHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (name === '' || name.startsWith('/') || name.startsWith('%2f')) return true
  if (/^(?:::1|f[cd][0-9a-f]{2}:.*|fe80:.*)$/.test(name)) return true
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(name)
  if (name.includes(':')) return false
  return !name.includes('.') || /\.(?:localhost|local|internal|test)$/.test(name)
}
