import type { Expr } from '../sql/tree.ts'
import { walkExpression } from '../sql/walk.ts'
import type { Facts, Weakness } from '../tenancy/facts.ts'
import type { BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import type { Term } from './term.ts'
import { termOf } from './terms.ts'

/** The finding of a shape in a branch: the kind of weakness and its explanation. */
export type Named = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject'>

/** Two terms that one operator or function compares. */
interface Comparison {
  readonly op: string
  readonly left: Term
  readonly right: Term
  readonly atom: Expr
}

/** The atoms (conditions) of one branch, and the terms that they compare. */
export class AtomReader {
  readonly input: BranchInput
  readonly facts: Facts
  readonly atoms: readonly Expr[]

  constructor(input: BranchInput) {
    this.input = input
    this.facts = input.facts
    this.atoms = input.branch.atoms
  }

  term(expr: Expr): Term {
    return termOf(expr, this.facts, this.input.instances)
  }

  isTenantColumn(term: Term): boolean {
    return term.kind === 'column' && term.instance === this.input.row && term.column === this.input.table.column
  }

  isOwnColumn(term: Term): boolean {
    return term.kind === 'column' && term.instance === this.input.row
  }

  isContext(term: Term): boolean {
    return term.kind === 'context' || term.kind === 'key'
  }

  /** Whether an atom contains a function of the user's or another node that the prover can't read. Its value is unknown. */
  isOpaque(atom: Expr): boolean {
    let found = false
    walkExpression(atom, {
      expression: (part) => {
        if (part.kind === 'other') found = true
        if (part.kind === 'call') found ||= this.facts.functionsNamed(part.schema, part.name).length > 0
      },
    })
    return found
  }

  /** Terms of every part of an atom. */
  deepTerms(atom: Expr): readonly Term[] {
    const terms: Term[] = []
    walkExpression(atom, { expression: (part) => void terms.push(this.term(part)) })
    return terms
  }

  comparisons(): readonly Comparison[] {
    return this.atoms.flatMap((atom): readonly Comparison[] => {
      if ((atom.kind === 'any' || atom.kind === 'all') && atom.left !== undefined)
        return [{ op: `${atom.op} ${atom.kind}`, left: this.term(atom.left), right: this.deepest(atom.array), atom }]
      if (atom.kind === 'operator' && atom.left !== undefined)
        return [{ op: atom.op, left: this.term(atom.left), right: this.term(atom.right), atom }]
      if (
        atom.kind === 'call' &&
        /^(starts_with|position|strpos|like|regexp_like|texteq)$/.test(atom.name) &&
        atom.args.length >= 2
      ) {
        const [first, second] = atom.args
        return first === undefined || second === undefined
          ? []
          : [{ op: atom.name, left: this.term(first), right: this.term(second), atom }]
      }
      return []
    })
  }

  /** Returns the context inside an array expression, such as `string_to_array(setting, ',')`; otherwise the expression's own term. */
  deepest(expr: Expr): Term {
    const own = this.term(expr)
    if (own.kind !== 'other') return own
    return this.deepTerms(expr).find((term) => this.isContext(term) || term.kind === 'setting') ?? own
  }
}

/** Recognises one known mistake: returns what is wrong with a branch, or undefined if the branch does not have this mistake. */
export type Shape = (reader: AtomReader, knows: Equalities) => Named | undefined

/** The weakness of a policy that reads a part of the token which users can edit themselves, such as `user_metadata`. */
export function userClaim(name: string): Named {
  return {
    kind: 'user-claim',
    certain: true,
    explanation: `${name} is data that the user can edit`,
    subject: name,
  }
}
