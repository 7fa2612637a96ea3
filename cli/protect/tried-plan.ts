import { isHarmless, tell } from '../../src/compare/differences.ts'
import { Trial } from '../../src/compare/trial.ts'
import { ConfigurationError } from '../../src/errors.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { sqlOf, togetherOf } from '../../src/protect/render/script.ts'
import type { DiscoveryHints } from '../../src/tenancy/discovery/discover.ts'
import { connectToCopy, openCopy } from '../shared/schema-copy.ts'

/**
 * Tries a migration in a copy of the schema. Returns sentences about the result: which tables other tenants no longer reach, and what else
 * changes.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the migration would let somebody see or change more than before
 */
export async function tryPlan(
  plan: ProtectPlan,
  databaseUrl: string,
  hints: DiscoveryHints,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (plan.changes.length === 0) return []
  const copy = await openCopy(databaseUrl, signal)
  try {
    if ('missing' in copy) return [`Not tried in a copy: ${copy.missing}.`]
    const client = await connectToCopy(copy.url)
    try {
      const trial = await Trial.open(client, hints).catch(messageOf)
      if (typeof trial === 'string') return [`Not tried in a copy: ${trial}`]
      const up = sqlOf(togetherOf(plan).up)
      const blind = trial.blindTo(up)
      const { refused, differences } = await trial.try(up)
      if (refused !== undefined) return [`Tried in a copy, which refused it: ${refused}.`]
      const wider = tell(differences.filter(({ kind }) => kind === 'wider'))
      if (wider.length > 0)
        throw new ConfigurationError(
          `Nothing was written: in a copy of the schema the migration let somebody do more than before. ${wider.join('; ')}. Name fewer tables with --tables, and please report this schema to us.`,
        )
      const harm = tell(differences.filter(({ kind }) => kind !== 'closed'))
      const closed = new Set(differences.filter(({ kind }) => kind === 'closed').map(({ access }) => access.object))
      if (blind !== undefined && differences.length === 0) return [`Tried in a copy without a usable result: ${blind}.`]
      return [
        ...(blind === undefined ? [] : [`Not all of the migration could be tried: ${blind}.`]),
        `Tried in a copy by three users of two tenants: nobody sees or changes more than before${isHarmless(differences) ? ', and nobody loses anything inside their own tenant' : ''}.`,
        ...(closed.size === 0 ? [] : [`No longer in reach of other tenants: ${[...closed].sort().join(', ')}.`]),
        ...harm.map((line) => `Takes away: ${line}.`),
      ]
    } finally {
      await client.end()
    }
  } finally {
    await copy.close()
  }
}

/** Returns the first line of a configuration error, such as a missing role of the application. Throws any other error again. */
function messageOf(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message.split('\n', 1)[0] ?? ''
  throw error
}
