import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../src/config/package-root.ts'
import { documentDigest, reportId } from '../../../src/verify/formats/document-digest.ts'
import { DIGEST_COMMAND } from '../../../src/verify/formats/html/integrity.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { renderJson } from '../../../src/verify/formats/json.ts'
import { leak, sampleDocument } from './sample-document.ts'

const made = {
  at: '2026-11-30T15:00:00.123Z',
  seconds: 12,
  command: 'partywall verify',
  nodeVersion: '22.18.0',
  inputs: [{ name: 'migrations/0001.sql', bytes: 123, sha256: 'd'.repeat(64) }],
}

/** Runs the command that a report prints, on a document with names that try to break out. */
function printedBy(command: string, json: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'partywall-digest-'))
  writeFileSync(join(folder, 'report.json'), json)
  const text = execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return text.trim()
}

describe('the digest of a report', () => {
  it('is what the documented command prints for the JSON document', () => {
    const document = sampleDocument({ made })
    expect(printedBy(DIGEST_COMMAND, renderJson(document))).toBe(documentDigest(document))
    expect(printedBy(DIGEST_COMMAND, renderJson(sampleDocument()))).not.toBe(documentDigest(document))
    expect(readFileSync(join(packageRoot(), 'docs/verify.md'), 'utf8')).toContain(DIGEST_COMMAND)
  })

  it('does not depend on the time, and changes with a finding, the input files and the package', () => {
    const digest = documentDigest(sampleDocument({ made }))
    expect(documentDigest(sampleDocument({ made: { ...made, at: '2027-01-01T00:00:00.000Z', seconds: 1 } }))).toBe(
      digest,
    )
    const others = [
      sampleDocument({ made, findings: [{ ...leak, evidence: [] }] }),
      sampleDocument({ made: { ...made, inputs: [] } }),
      sampleDocument({ made, tool: { sha256: 'e'.repeat(64), files: 1, built: true, parts: [] } }),
      sampleDocument({ made, target: 'other/' }),
    ]
    expect(new Set([digest, ...others.map(documentDigest)]).size).toBe(5)
  })

  it('is in the head, and the id on each printed page names start and digest', () => {
    const document = sampleDocument({ made })
    const page = renderHtml(document)
    const digest = documentDigest(document)
    const id = `20261130T150000123Z-${digest.slice(0, 12)}`
    expect(reportId(document)).toBe(id)
    const head = page.split('</header>')[0] ?? ''
    expect(head).toContain(`<code>${id}</code>`)
    expect(head).toContain(`<code>${digest}</code>`)
    expect(/@top-left\{content:"([^"]*)"/.exec(page)?.[1]).toContain(`report ${id}`)
    expect(reportId(sampleDocument())).toBeUndefined()
    expect(renderHtml(sampleDocument())).toContain(documentDigest(sampleDocument()).slice(0, 12))
  })
})
