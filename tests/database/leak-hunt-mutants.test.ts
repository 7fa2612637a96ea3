import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { mutants } from '../../leak-hunt/mutants.ts'

// The built code is what mutants change; `npm test` builds first.
describe('mutants of the leak hunt', () => {
  it.each(mutants)('$name: each edit finds its place once in the built code', async ({ edits, weaken }) => {
    expect(edits.length + (weaken === undefined ? 0 : 1)).toBeGreaterThan(0)
    for (const { file, find, replace } of edits) {
      const code = await readFile(new URL(`../../dist/src/${file}`, import.meta.url), 'utf8')
      expect(code.split(find).length - 1, `${file}: ${find}`).toBe(1)
      expect(replace).not.toBe(find)
    }
  })
})
