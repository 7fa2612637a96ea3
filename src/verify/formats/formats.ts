import type { ReportDocument } from './document.ts'
import { renderHtml } from './html.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { type Painter, renderPretty } from './pretty.ts'
import { renderSarif } from './sarif.ts'

export const FORMATS = ['pretty', 'json', 'sarif', 'junit', 'markdown', 'html'] as const
type Format = (typeof FORMATS)[number]

const renderers: Readonly<Record<Format, (document: ReportDocument, paint?: Painter) => string>> = {
  pretty: renderPretty,
  json: renderJson,
  sarif: renderSarif,
  junit: renderJunit,
  markdown: renderMarkdown,
  html: renderHtml,
}

/** The report as text; only `pretty` has colours. */
export function renderReport(format: Format, document: ReportDocument, paint?: Painter): string {
  return renderers[format](document, paint)
}
