import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { oldNode } from '../../src/config/node-version.ts'

it('tells a Node that is older than engines.node in one sentence, and no other', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const least = String(engines.node).replace('>=', '')
  for (const version of ['20.18.9', '18.20.8', '8.0.0'])
    expect(oldNode(version)).toMatch(/^partywall needs Node\.js .*\.$|22$/)
  expect(oldNode('18.20.8')).toContain(least)
  for (const version of [`${least}.0`, '20.20.1', '22.0.0', '24.9.0', process.versions.node])
    expect(oldNode(version)).toBeUndefined()
})
