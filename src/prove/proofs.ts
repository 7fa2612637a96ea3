import type { Relation } from '../catalog/model.ts'
import type { Facts, Proof, Proofs } from '../tenancy/facts.ts'
import type { AskProof } from './branch-input.ts'
import { prove } from './prove.ts'

/** Maximum number of proofs for one question. Policies that query each other's tables in many ways reach this limit. */
const MAX_ASKED = 1000

function isUnbound(facts: Facts, relation: Relation): boolean {
  const table = facts.judgedTable(relation)
  return table?.kind === 'child' && table.unbound === true
}

/**
 * The prover of one run. Each relation, verb and role is proved once.
 *
 * Cycles: a proof may need a question that is already being answered (A's policy reads B, B's policy reads A). For a read the inner
 * question gets no answer; PostgreSQL refuses such recursion anyway. For a write, trust.ts treats the missing answer as proved for now. This
 * assumption is sound only if the whole cycle ends up proved. So a result that used an open assumption is not cached, but proved again when
 * the outer question has its answer. The section "Cycles" of src/prove/README.md gives the reason.
 */
export function makeProofs(facts: Facts): Proofs {
  const known = new Map<string, Proof>()
  const open: string[] = []
  /** For each open question: the position, in `open`, of the earliest question whose answer its proof has assumed so far. */
  const leans: number[] = []
  let asked = 0
  const lean = (on: number) => {
    const last = leans.length - 1
    leans[last] = Math.min(leans[last] ?? on, on)
  }
  const ask: AskProof = (relation, verb, role, unbound) => {
    const key = `${relation.oid}/${verb}/${role.role.oid}/${role.path[0]}${unbound === true ? '/unbound' : ''}`
    const before = known.get(key)
    if (before !== undefined) return before
    const at = open.indexOf(key)
    if (at >= 0) {
      lean(at)
      return undefined
    }
    if (open.length === 0) asked = 0
    asked += 1
    if (asked > MAX_ASKED) return { status: 'unproved', how: 'the policies query each other too often', weaknesses: [] }
    open.push(key)
    leans.push(open.length - 1)
    const table = unbound === true ? facts.judgedTable(relation) : facts.tenantTable(relation)
    const proof = prove(facts, relation, table, verb, role, ask)
    open.pop()
    const earliest = leans.pop() ?? open.length
    if (earliest >= open.length) known.set(key, proof)
    else if (open.length > 0) lean(earliest)
    return proof
  }
  return {
    of: (relation, verb, role) =>
      ask(relation, verb, role, isUnbound(facts, relation) ? true : undefined) ?? {
        status: 'unproved',
        how: 'the policies query each other in a circle',
        weaknesses: [],
      },
  }
}
