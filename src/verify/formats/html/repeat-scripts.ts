import type { Finding } from '../../finding/finding.ts'
import type { ReportDocument } from '../document.ts'
import { sqlBlock, text } from './markup.ts'

/** How many objects of one finding have scripts. The scripts of further objects differ only by names and values. */
const MOST_OBJECTS = 10

/**
 * For each verb by which an attack reached rows, the script that repeats the attack. If an attack succeeded and there is no script, the
 * reason for that.
 *
 * @param at the position of the object among the objects of one finding
 */
export function scriptsOf(
  { rule, object, key, proof }: Finding,
  { examined, attacks }: ReportDocument,
  at: number,
): string {
  if (proof !== 'exploited') return ''
  // Views have no cells, so their scripts belong to each finding about them.
  const isView = examined.relations.some((each) => each.object === object && /view$/.test(each.kind))
  const leaks = examined.leaks.filter(({ keys }) => keys.includes(key))
  const scripts = examined.scripts.filter((script) =>
    script.rule === undefined
      ? leaks.some((leak) => leak.object === script.object && leak.verb === script.verb) ||
        (isView && script.object === object)
      : script.rule === rule &&
        script.object === object &&
        (script.detail === undefined || key === `${rule}:${object}:${script.detail}`),
  )
  const heading = '<h6>Repeat it</h6>'
  // Only --context-sql makes `held` empty, because its SQL may hold a secret. For the same reason there are no scripts then.
  const ownSql = attacks.length > 0 && examined.attacks.length > 0 && examined.held.length === 0
  if (scripts.length === 0)
    return `${heading}\n<p>${ownSql ? 'No script: the SQL of the context was given with --context-sql, and may hold a secret.' : 'No script: verify makes none for an attack of this kind. The evidence says what was done; it is no SQL to run.'}</p>`
  if (at >= MOST_OBJECTS)
    return `${heading}\n<p>As at the first object: the scripts of ${MOST_OBJECTS} objects are printed, and this one differs by names and values.</p>`
  return [
    heading,
    ...scripts.map(({ verb, by, sql }) => `<p><small>${verb}, ${text(by)}</small></p>\n${sqlBlock(sql)}`),
  ].join('\n')
}
