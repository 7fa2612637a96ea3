import type { AttackCount } from '../../report/examined.ts'
import { isAboutSpeed } from '../controls/mapped-rules.ts'
import type { ReportDocument } from '../document.ts'
import { noObjectFor } from '../rule-objects.ts'
import { findingLink } from './finding-numbers.ts'
import { code, rich, table, text } from './markup.ts'

type CountedAttack = AttackCount & { readonly title: string }

export function checklistOf(document: ReportDocument): string {
  const rows = document.checklist.map((line) => [text(line.section), rich(line.title), line.verdict, rich(line.detail)])
  return `<p>The closing checklist of partywall itself (its skill <code>multi-tenant-security</code>, version ${text(document.toolVersion)}). It is no list of a standard. The lines have fixed titles; “by” says for what a verdict holds. A check is one cell of Tables (table and verb).</p>
${table(['part', 'line', 'verdict', 'by'], rows, ['part', 'verdict'])}`
}

/** A rollback does not take back everything. */
const ROLLED_BACK =
  'What a rollback leaves in the database that was attacked: sequences stay advanced, and files of tables and indexes keep the space of the planted rows until a vacuum.'

/** What each attack did in this run. */
export function attacksOf(document: ReportDocument): string {
  const { attacks, examined, summary, internalErrors } = document
  if (attacks.length === 0) return '<p>The catalog was read and policies were proved; nothing was attacked.</p>'
  if (examined.attacks.length === 0) return betweenSchemas(document)
  const counted = attacks.map((attack) => {
    const count = examined.attacks.find(({ name }) => name === attack.name) ?? { probes: 0, reached: [] }
    return { ...attack, ...count, failed: internalErrors.some(({ where }) => where === `attack ${attack.name}`) }
  })
  const idle = counted.filter(({ probes, reached, failed }) => probes === 0 && reached.length === 0 && !failed)
  const ran = counted.filter((attack) => !idle.includes(attack))
  const sent = examined.attacks.reduce((sum, { probes }) => sum + probes, 0)
  const rows = ran.map(({ name, title, rules = [], probes, reached, failed }) => [
    code(name),
    rich(title),
    String(probes),
    failed ? 'failed: see Internal errors' : outcomeOf(reached, rules.length > 0 && rules.every(isAboutSpeed)),
  ])
  return `<p>${ROLLED_BACK}</p>
<p>${summary.probes} probes in transactions that were rolled back: ${sent} by the attacks below, ${summary.probes - sent} by planting, by controls and by attacks between schemas of tenants. “Succeeded” includes effects that only make a finding of severity info or low. The second column names everything that an attack can do. In this run it did only the part for which the schema has an object and a role in reach has a privilege; the outcome is about that part only. Attacks act as planted tenant A against rows of tenant B, and without a tenant against rows of both. Attacks of tenant B on rows of A were not tried, because the two tenants differ only by their values.</p>
${rows.length === 0 ? '<p>No attack sent a probe.</p>' : table(['attack', 'what it does', 'probes', 'outcome'], rows, ['probes'])}
<h3>Attacks that sent no probe</h3>
<p>These attacks show nothing. Each of them looks for something before it sends a probe, and did not find it in this run, as far as it can read the schema. If rules of the attack report an object nevertheless, the object could not be tried; the finding says what is known about the object.</p>
${idle.length === 0 ? '<p>None.</p>' : table(['attack', 'what it does', 'not applicable, because the run found no'], idle.map(idleRow))}`
}

/** For a run in which tenants share no table. The list of attacks on shared tables would then say the same about each attack. */
function betweenSchemas({ summary, attacks }: ReportDocument): string {
  return `<p>${ROLLED_BACK}</p>
<p>${summary.probes} probes in transactions that were rolled back: SELECT, INSERT, UPDATE and DELETE on tables of one tenant’s schema in the context of another tenant, and the controls. Their outcome stands in <a href="#tables">Tables</a>.</p>
<p>These ${attacks.length} attacks did not run, because no table is shared by several tenants: ${attacks.map(({ name }) => code(name)).join(', ')}.</p>`
}

function idleRow({
  name,
  title,
  needs = 'table that several tenants share',
  said = [],
}: CountedAttack): readonly string[] {
  const silent = said.length === 0 ? '' : `. Rules that report an object: ${said.map(code).join(', ')}`
  return [code(name), rich(title), `${text(needs)}${silent}`]
}

/** @param plans whether the attack only reads query plans, in which nothing can succeed */
function outcomeOf(reached: readonly string[], plans: boolean): string {
  if (reached.length === 0) return plans ? 'saw nothing in a plan' : 'did not succeed'
  return `${plans ? 'seen in the plan of' : 'succeeded on'} ${reached.map(code).join(', ')}`
}

/** The rules by group. A line without a finding says so, and whether the schema has an object of the kind that the rule looks at. */
export function rulesOf(document: ReportDocument): string {
  const groups = [...new Set(document.rules.map(({ group }) => group))]
  const rows = groups.flatMap((group) =>
    document.rules
      .filter((rule) => rule.group === group)
      .map((rule) => [
        `<code id="rule-${text(rule.id)}">${text(rule.id)}</code>`,
        `${text(rule.title)}${isAboutSpeed(rule.id) ? ' (about speed: evidence for no standard)' : ''}`,
        text(rule.group),
        rule.severity,
        foundBy(rule.id, document),
      ]),
  )
  const listed = groups.map((group) => [
    `<code id="group-${text(group)}">${text(group)}</code>`,
    document.rules
      .filter((rule) => rule.group === group)
      .map(({ id }) => text(id))
      .join(', '),
  ])
  return `${table(['group', 'rules of the group'], listed, ['group'])}
<p>The base severity is that of most findings of the rule. A finding may have another severity, and then says so. “None” means that this rule reports nothing for the roles that were tried. It says nothing about other roles, and it is no proof: a rule reports a weakness only if the weakness opens something that no other rule of this report names, and the page of the rule says when the rule reports nothing. The verdicts stand in Tables.</p>
${table(['rule', 'what it looks for', 'group', 'base severity', 'findings'], rows, ['rule', 'group', 'base severity'])}`
}

function foundBy(rule: string, { findings, accepted, examined }: ReportDocument): string {
  const links = findings.flatMap((finding, at) => (finding.rule === rule ? [findingLink(at)] : []))
  const others = accepted.filter(({ finding }) => finding.rule === rule).length
  const found = [...links, ...(others === 0 ? [] : [`${others} accepted`])]
  if (found.length > 0) return found.join(', ')
  const missing = noObjectFor(rule, examined)
  return missing === undefined ? 'none' : `not applicable: no ${missing} in the schemas`
}
