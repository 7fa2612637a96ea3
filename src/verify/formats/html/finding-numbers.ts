import type { ReportDocument } from '../document.ts'
import { text } from './markup.ts'

/** `F1`: the number of a finding, by its place in the document. It is also its anchor. */
export function findingNumber(at: number): string {
  return `F${at + 1}`
}

export function findingLink(at: number): string {
  return `<a href="#${findingNumber(at)}">${findingNumber(at)}</a>`
}

/** The links of the findings with these keys, each once. A key that a baseline accepts is named as accepted. */
export function linksOfKeys(keys: readonly string[], { findings, accepted }: ReportDocument): readonly string[] {
  const links = keys.flatMap((key) => {
    const at = findings.findIndex((finding) => finding.key === key || finding.alike?.includes(key) === true)
    if (at >= 0) return [findingLink(at)]
    return accepted.some(({ finding }) => finding.key === key) ? [`accepted: ${text(key)}`] : []
  })
  return [...new Set(links)]
}
