import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

export const escapeLanguage: Rule = {
  id: 'escape-language',
  group: 'escape',
  title: 'The application reaches an untrusted language',
  severity: 'high',
  meaning:
    "Code in an untrusted language can do what the server's operating system user can do: files, sockets, other databases.",
  remedy: 'Revoke USAGE on the language, and EXECUTE on SECURITY DEFINER functions that are written in it.',
  *run(facts) {
    for (const language of facts.catalog.languages) {
      const grantees = language.trusted ? [] : usableGrantees(facts, language.grants, 'USAGE', 10)
      if (grantees.length === 0) continue
      yield {
        object: `language ${language.name}`,
        message: `The app may write functions in ${language.name}, which is untrusted: they can do what the server's operating system user can do.`,
        evidence: [`USAGE granted to ${granteeList(facts, grantees)}`],
        fix: bySuperuser(
          `REVOKE USAGE ON LANGUAGE ${quoteIdentifier(language.name)} FROM ${granteeList(facts, grantees)};`,
        ),
      }
    }
    for (const fn of facts.functions) {
      if (fn.languageTrusted || !fn.securityDefiner || fn.language === 'internal') continue
      if (facts.executors(fn).length === 0 || fn.returnsTrigger) continue
      const grantees = usableGrantees(facts, fn.grants, 'EXECUTE', fn.owner)
      if (grantees.length === 0) continue
      yield {
        object: fn.label,
        message: `The app may call ${fn.label}, a SECURITY DEFINER function in the untrusted language ${fn.language}: no policy applies to what it does, and verify cannot read it.`,
        evidence: [`EXECUTE granted to ${granteeList(facts, grantees)}`],
        fix: `REVOKE EXECUTE ON ROUTINE ${fn.signature} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
