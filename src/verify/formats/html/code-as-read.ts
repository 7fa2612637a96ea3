import type { ReportDocument } from '../document.ts'
import { code, sqlBlock, table, text } from './markup.ts'

/** Prints the digest of a function's body, in the form that the report shows. */
const BODY_DIGEST = `SELECT p.oid::regprocedure, encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex')
FROM pg_proc AS p WHERE p.oid = 'SCHEMA.NAME(TYPES)'::regprocedure;`

/**
 * Functions and triggers, with what decides which rights they have when they run. Bodies may contain secrets, so only their digests are
 * printed.
 */
export function codeOf({ examined, origin }: ReportDocument): string {
  const { functions, triggers, rewriteRules } = examined
  const bodies =
    origin === 'files'
      ? 'The body is printed in Statements of the input files, as far as these are printed.'
      : 'The body is not printed, because it may hold a secret.'
  const fleet =
    examined.tenantSchemas === 0 ? '' : ' Functions and triggers in schemas that hold one tenant each are not listed.'
  return `<p>All functions of the database except those of PostgreSQL, of extensions and of the schema <code>partywall</code>. Functions of all schemas are listed, because a policy or a trigger may call a function of any schema.${fleet} A SECURITY DEFINER function runs with the rights of its owner. EXECUTE: the roles to which it is granted. Callable by: the roles that were tried and that have EXECUTE, and USAGE on the schema. ${bodies} Its digest is the SHA-256 that this query prints:</p>
${sqlBlock(BODY_DIGEST)}
${
  functions.length === 0
    ? '<p>No function.</p>'
    : table(
        ['function', 'owner', 'language', 'runs as', 'settings', 'EXECUTE', 'callable by', 'digest of the body'],
        functions.map((fn) => [
          code(fn.object),
          text(fn.owner),
          text(fn.language),
          fn.definer ? 'its owner (SECURITY DEFINER)' : 'its caller',
          fn.settings.map(code).join(', ') || 'none',
          text(fn.grantees.join(', ') || 'no role'),
          text(fn.callers.join(', ') || 'no role that was tried'),
          code(fn.sha256),
        ]),
      )
}
<h3>Triggers</h3>
<p>Triggers of the judged schemas, and event triggers of the database. “Origin” is the usual state: the trigger fires, except in a session that replays replication. Triggers that PostgreSQL makes for foreign keys are not listed.</p>
${
  triggers.length === 0
    ? '<p>None.</p>'
    : table(
        ['relation', 'trigger', 'fires', 'calls', 'state'],
        triggers.map(({ object, name, when, calls, enabled }) => [
          code(object),
          code(name),
          text(when),
          code(calls),
          text(enabled),
        ]),
      )
}
${
  rewriteRules.length === 0
    ? ''
    : `<h3>Rewrite rules</h3>\n${rewriteRules.map(({ object, definition }) => `<p>${code(object)}</p>\n${sqlBlock(definition)}`).join('\n')}`
}`
}

/** Views with their queries, as the server prints them. */
export function viewsAsReadOf({ examined: { views } }: ReportDocument): string {
  if (views.length === 0) return ''
  const parts = views.map(({ object, kind, owner, options, definition }) => {
    const runs =
      kind === 'materialized-view'
        ? `holds the rows that its owner ${code(owner)} could read at the last REFRESH; no policy applies to a materialized view`
        : options.some((option) => /^security_invoker = (?:true|on|1|yes)$/.test(option))
          ? `reads tables with the rights of its caller (security_invoker); owner ${code(owner)}`
          : `reads tables with the rights of its owner ${code(owner)}`
    const said = options.length === 0 ? '' : `; options ${options.map(code).join(', ')}`
    return `<article><h3>${code(object)}</h3>\n<p>${text(kind.replace('-', ' '))}: ${runs}${said}.</p>\n${sqlBlock(definition)}</article>`
  })
  return parts.join('\n')
}
