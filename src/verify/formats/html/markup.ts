import { escapeMarkup } from '../escape-text.ts'

export const text = escapeMarkup

/** A sentence that marks code by backticks, as in Markdown. */
export function rich(sentence: string): string {
  return text(sentence).replace(/`([^`]+)`/g, '<code>$1</code>')
}

export function code(name: string): string {
  return `<code>${text(name)}</code>`
}

/** A part of the page with an anchor. */
export interface Section {
  readonly id: string
  readonly title: string
  /** HTML; '' leaves the section out. */
  readonly body: string
}

export function renderSection({ id, title, body }: Section): string {
  return `<section id="${id}"><h2>${text(title)}</h2>\n${body}\n</section>`
}

export function listOf(items: readonly string[], none = ''): string {
  return listOfHtml(items.map(rich), none)
}

export function listOfHtml(items: readonly string[], none = ''): string {
  if (items.length === 0) return `<p>${text(none)}</p>`
  return `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
}

/**
 * Cells are HTML. On a narrow screen each row becomes a block, and each cell names its column.
 *
 * @param short names of columns whose text is not broken: verdicts, ids, counts
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  short: readonly string[] = [],
): string {
  const mark = (column: string | undefined) => (short.includes(column ?? '') ? ' class="short"' : '')
  const cells = head.map((cell) => `<th scope="col"${mark(cell)}>${cell}</th>`).join('')
  const body = rows
    .map(
      (row) =>
        `<tr>${row.map((cell, at) => `<td data-column="${head[at] ?? ''}"${mark(head[at])}>${cell}</td>`).join('')}</tr>`,
    )
    .join('\n')
  return `<table><thead><tr>${cells}</tr></thead><tbody>\n${body}\n</tbody></table>`
}

/** A list of names and values. Values are HTML. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  return `<dl class="facts">${entries.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${value}</dd></div>`).join('\n')}</dl>`
}

/** SQL. In print, a page ends between two statements where it can. */
export function sqlBlock(sql: string): string {
  const parts = sql.split(/(?<=;)\n/)
  const blocks = parts.map((part, at) => `<span>${text(part)}${at < parts.length - 1 ? '\n' : ''}</span>`)
  return `<pre>${blocks.join('')}</pre>`
}
