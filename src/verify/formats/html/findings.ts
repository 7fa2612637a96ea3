import { VERBS } from '../../../catalog/verbs.ts'
import type { Finding } from '../../finding/finding.ts'
import { bySeverity } from '../by-severity.ts'
import type { Location, ReportDocument } from '../document.ts'
import { actorsIn, joinEvidence } from './evidence.ts'
import { findingNumber } from './finding-numbers.ts'
import { howKnown } from './how-known.ts'
import { code, listOf, rich, sqlBlock, table, text } from './markup.ts'
import { scriptsOf } from './repeat-scripts.ts'
import { sourceAnchor } from './source-annex.ts'

export function findingsOf(document: ReportDocument): string {
  if (document.findings.length === 0) return '<p>None.</p>'
  return bySeverity(document.findings)
    .map(({ severity, findings }) => {
      return `<h3 class="${severity}">${severity}</h3>${findings.map((finding) => findingOf(finding, document)).join('\n')}`
    })
    .join('\n')
}

function findingOf(finding: Finding, document: ReportDocument): string {
  const number = findingNumber(document.findings.indexOf(finding))
  const rule = document.rules.find(({ id }) => id === finding.rule)
  const name = rule === undefined ? text(finding.rule) : `<a href="#rule-${text(rule.id)}">${text(rule.id)}</a>`
  const members = membersOf(finding, document)
  const alone = members.length === 1
  const about = alone ? code(finding.object) : `${members.length} objects`
  const many = alone ? '' : `<p>One cause on ${members.length} objects. Each object follows with its key.</p>`
  const parts = members.map((member, at) => memberOf(member, document, alone, at)).join('\n')
  return `<article id="${number}"><h4>${number} ${name}: ${about}</h4>
<p><small>${severityOf(finding, members, document)} Status: open.</small></p>
${many}${parts}</article>`
}

/** The severity and, if it differs from the rule's severity, the reason. Objects of one finding may have different reasons. */
function severityOf({ rule, severity }: Finding, members: readonly Finding[], { rules }: ReportDocument): string {
  const base = rules.find(({ id }) => id === rule)?.severity
  if (base === undefined || base === severity) return `Severity ${severity}.`
  const reasons = [...new Set(members.map(({ severityReason }) => severityReason ?? ''))].filter((each) => each !== '')
  return `Severity ${severity}; the base severity of the rule is ${base}. ${rich(reasons.join(' '))}`
}

/** The findings that a folded finding stands for, itself first. */
function membersOf(finding: Finding, { singly }: ReportDocument): readonly Finding[] {
  const keys = [finding.key, ...(finding.alike ?? [])]
  if (keys.length === 1) return [finding]
  return keys.flatMap((key) => singly.find((each) => each.key === key) ?? [])
}

function memberOf(finding: Finding, document: ReportDocument, alone: boolean, at: number): string {
  const { object, message, evidence, key, fix } = finding
  const made = document.locate(object)
  const place = made === undefined ? '' : ` <small>${code(object)} is created in ${placeOf(made, document)}</small>`
  const lines = [
    `key: ${key}`,
    howKnown(finding, document),
    ...joinEvidence(evidence),
    ...unattackedVerbs(finding, document),
    ...actorNotes(evidence, document),
  ]
  return `<div class="member">${alone ? '' : `<h5>${code(object)}</h5>`}
<p>${rich(message)}${place}</p>
<h6>Evidence</h6>
${listOf(lines)}
${scriptsOf(finding, document, at)}
<h6>Fix</h6>
${sqlBlock(fix)}</div>`
}

/** `schema.sql:14`, with a link to the statement if the report shows it. */
function placeOf({ file, line }: Location, document: ReportDocument): string {
  const anchor = sourceAnchor(document, file, line)
  const place = `${text(file)}:${line}`
  return anchor === undefined ? place : `<a href="#${anchor}">${place}</a>`
}

/** The verbs that leak according to the catalog, although no attack is known to have reached rows by them. */
function unattackedVerbs({ key }: Finding, { examined }: ReportDocument): readonly string[] {
  const read = examined.leaks.filter(({ keys, by }) => by === 'reading' && keys.includes(key))
  return [...new Set(read.map(({ object }) => object))].map((object) => {
    const verbs = VERBS.filter((verb) => read.some((leak) => leak.object === object && leak.verb === verb))
    return `${verbs.join(', ')} on ${object}: by reading of grants, policies and row-level security; no attack is known to have reached rows of this table by ${verbs.length === 1 ? 'this verb' : 'these verbs'}`
  })
}

/** What a reader must know about a role as which the evidence acted. */
function actorNotes(evidence: readonly string[], { examined }: ReportDocument): readonly string[] {
  return actorsIn(evidence).flatMap((name) => {
    const role = examined.roles.find((each) => each.name === name)
    if (role === undefined) return []
    const notes: string[] = []
    if (role.superuser)
      notes.push(
        `${name} is a superuser in this run. No policy applies to a superuser, with FORCE or without: what this role saw says nothing about an owner that is no superuser.`,
      )
    if (role.path === undefined)
      notes.push(`${name} is not in reach of the application, so the verdicts of tables do not count it.`)
    return notes
  })
}

export function acceptedOf(document: ReportDocument): string {
  return table(
    ['finding', 'severity', 'reason', 'until'],
    document.accepted.map(({ finding, reason, expires }) => [
      code(finding.key),
      finding.severity,
      text(reason),
      text(expires ?? 'without end'),
    ]),
    ['severity', 'until'],
  )
}

export function mutantsOf(document: ReportDocument): string {
  const { killed = 0, total = 0, survivors = [] } = document.mutants ?? {}
  return `<p>${killed} of ${total} deliberately weakened forms of this schema were noticed.</p>
${listOf(survivors.map((each) => `not noticed: ${each.name} on ${each.object}: ${each.reason}`))}`
}
