import type { Facts } from '../../tenancy/facts.ts'
import { roleMutants, tableGrantMutants } from './grant-mutants.ts'
import type { Mutant, MutantMaker } from './mutant.ts'
import { rowSecurityMutants } from './row-security-mutants.ts'
import { bypassMutants, keyMutants } from './structure-mutants.ts'

const makers: readonly MutantMaker[] = [rowSecurityMutants, tableGrantMutants, keyMutants, bypassMutants, roleMutants]

/** All mutants of a schema, in order. */
export function mutantsOf(facts: Facts): readonly Mutant[] {
  return makers.flatMap((make) => [...make(facts)])
}

/** At most `limit` mutants, evenly spread over the list. The choice is the same in each run. */
export function sampleMutants(mutants: readonly Mutant[], limit: number): readonly Mutant[] {
  if (mutants.length <= limit) return mutants
  return Array.from({ length: limit }, (_, at) => mutants[Math.floor((at * mutants.length) / limit)]).filter(
    (mutant) => mutant !== undefined,
  )
}
