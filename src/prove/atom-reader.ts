import type { Expr } from '../sql/tree.ts'
import { walkExpression } from '../sql/walk.ts'
import type { Facts, Weakness } from '../tenancy/facts.ts'
import type { BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import type { Term } from './term.ts'
import { termOf } from './terms.ts'

/** What a shape says of a branch. */
export type Named = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject'>

/** Two terms that meet in an operator. */
interface Comparison {
  readonly op: string
  readonly left: Term
  readonly right: Term
  readonly atom: Expr
}

/** The atoms of one branch, with what their terms are. */
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

  /** Whether a part of an atom is a function of the user's, or something else that was not read: it may say anything. */
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

  /** The context inside an array expression: string_to_array(setting, ','). */
  deepest(expr: Expr): Term {
    const own = this.term(expr)
    if (own.kind !== 'other') return own
    return this.deepTerms(expr).find((term) => this.isContext(term) || term.kind === 'setting') ?? own
  }
}

/** A known way to be wrong: says what is wrong with a branch, if it is that. */
export type Shape = (reader: AtomReader, knows: Equalities) => Named | undefined

/** The value stands in a part of the token that the user writes. */
export function userClaim(name: string): Named {
  return {
    kind: 'user-claim',
    certain: true,
    explanation: `${name} is data that the user can edit`,
    subject: name,
  }
}
