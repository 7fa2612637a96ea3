// The runs of tests/mutants take half an hour. Whether each edit still finds its place takes a moment, so npm test looks at that.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { mutants as httpMutants } from '../http/mutants/mutants.ts'
import { mutants as ormMutants } from '../orms/mutants/mutants.ts'
import type { Mutant } from './mutant.ts'

const lists: readonly (readonly [string, readonly Mutant[]])[] = [
  ['src/http', httpMutants],
  ['src', ormMutants],
]

describe.each(lists)('the mutants of %s', (folder, mutants) => {
  it('are a long list of different names', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
    expect(mutants.length).toBeGreaterThan(40)
  })

  it.each(mutants.map(({ name, edits }) => ({ name, edits })))('$name finds its place once', ({ edits }) => {
    for (const { file, find } of edits) {
      const source = readFileSync(join(packageRoot(), folder, file), 'utf8')
      expect(source.split(find).length - 1, `${file}: ${find}`).toBe(1)
    }
  })
})
