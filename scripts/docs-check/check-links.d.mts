import type { Fault } from './check-documents.mjs'

export function checkLinks(
  root: string,
  document: string,
  markdown: string,
): { readonly links: number; readonly faults: readonly Fault[] }
