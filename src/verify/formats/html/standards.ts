import type { Control, Standard } from '../controls/control.ts'
import { type ControlResult, type FoundFor, judgeControl } from '../controls/judge-control.ts'
import { isAboutSpeed } from '../controls/mapped-rules.ts'
import type { ReportDocument } from '../document.ts'
import { findingLink } from './finding-numbers.ts'
import { code, rich, table, text } from './markup.ts'

/** A standard line by line: what is looked at, and what this run says about the line, or the reason why it says nothing. */
export function standardOf(standard: Standard, document: ReportDocument): string {
  const rows = standard.controls.map((control) => {
    const judged = judgeControl(control, document)
    const looks =
      control.groups === undefined
        ? '–'
        : `${rich(control.looks)}${control.limits === undefined ? '' : `<small>Not looked at: ${rich(control.limits)}</small>`}`
    return [text(control.id), `<b>${judged.result}</b>`, detailOf(control, judged, document), rich(control.asks), looks]
  })
  return `<p>${rich(standard.selection)} Lines are given in our words. The mapping is made by the maker of partywall; whether a control is met is for the auditor to decide. “Nothing found” means no more than that the rules of the line report nothing for the roles that were tried; see Scope for the others. Published at <code>${text(standard.source)}</code>.</p>
${table(['line', 'result', 'in this run', 'what it asks', 'what is looked at'], rows, ['line', 'result'])}`
}

function detailOf(control: Control, judged: ControlResult, document: ReportDocument): string {
  if (judged.result === 'not covered') return rich(judged.reason)
  const { found } = judged
  const parts = [
    found.findings.length === 0 ? '' : foundList(found.findings, document),
    found.leaking.length === 0 ? '' : `Cells leak by findings of other rules: ${foundList(found.leaking, document)}`,
    found.accepted.length === 0 ? '' : `Accepted, and still there: ${found.accepted.map(code).join(', ')}.`,
    ...found.held.map(rich),
    ...found.limits.map(rich),
    `<small>${rulesOfControl(control, found, document)}</small>`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function foundList(places: readonly number[], document: ReportDocument): string {
  return `${places
    .map((at) => {
      const { key, severity, alike = [] } = document.findings[at] ?? { key: '', severity: '' }
      return `${findingLink(at)} (${severity}) ${[key, ...alike].map(code).join(', ')}`
    })
    .join('; ')}.`
}

/**
 * Maximum number of rules that a line names one by one. If there are more, the line names their groups, which the section of rules lists.
 */
const NAMED = 30

function rulesOfControl(control: Control, { rules }: FoundFor, document: ReportDocument): string {
  const evidence = document.rules.filter(({ id }) => !isAboutSpeed(id))
  const all = '<a href="#rules">Rules</a>'
  if (rules.length === evidence.length) return `${rules.length} rules: all of the section ${all} but those about speed.`
  const link = (id: string) => `<a href="#rule-${text(id)}">${text(id)}</a>`
  if (rules.length <= NAMED) return `${rules.length} rules: ${rules.map(link).join(', ')}.`
  const groups = control.groups ?? []
  const ofGroups = new Set(document.rules.filter(({ group }) => groups.includes(group)).map(({ id }) => id))
  const others = rules.filter((id) => !ofGroups.has(id)).map(link)
  const named = groups.map((group) => `<a href="#group-${text(group)}">${text(group)}</a>`).join(', ')
  return `${rules.length} rules: the groups ${named} of the section ${all}, but those about speed${others.length === 0 ? '' : `; and ${others.join(', ')}`}.`
}
