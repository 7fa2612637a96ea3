import type { ReportDocument } from './document.ts'
import type { Format } from './format-names.ts'
import { renderGithub } from './github.ts'
import { renderGitlab } from './gitlab.ts'
import { renderHtml } from './html/render-html.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { type Painter, renderPretty } from './pretty.ts'
import { renderSarif } from './sarif.ts'

const renderers: Readonly<Record<Format, (document: ReportDocument, paint?: Painter) => string>> = {
  pretty: renderPretty,
  json: renderJson,
  sarif: renderSarif,
  junit: renderJunit,
  markdown: renderMarkdown,
  html: renderHtml,
  github: renderGithub,
  gitlab: renderGitlab,
}

/** The report as text; only `pretty` has colours. */
export function renderReport(format: Format, document: ReportDocument, paint?: Painter): string {
  return renderers[format](document, paint)
}
