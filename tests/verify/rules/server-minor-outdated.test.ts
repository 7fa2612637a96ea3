import { describe, expect, it } from 'vitest'
import { openFlaws } from '../../../src/verify/rules/server-minor-outdated.ts'
import { HOLDING, withCase } from '../rule-case.ts'

const cves = (version: number) => openFlaws(version).map((flaw) => flaw.cve)

describe('server-minor-outdated', () => {
  it('names the flaws of an old minor version', () => {
    expect(cves(150003)).toEqual(['CVE-2023-39418', 'CVE-2024-10976', 'CVE-2025-8713'])
    expect(cves(160004)).toEqual(['CVE-2024-10976', 'CVE-2025-8713'])
    expect(cves(170005)).toEqual(['CVE-2025-8713'])
  })

  it('is silent on fixed versions', () => {
    for (const version of [150014, 150018, 160010, 170006, 180000, 180004]) expect(cves(version)).toEqual([])
  })

  it('names them on a major version that gets no fixes any more', () => {
    expect(cves(120022)).toContain('CVE-2025-8713')
  })

  it('is silent on the server that the tests run on', async () => {
    await withCase([HOLDING], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'server-minor-outdated')).toEqual([])
    })
  })
})
