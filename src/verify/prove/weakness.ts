import type { Facts, Weakness } from '../facts.ts'
import { showExpression } from '../sql/show.ts'
import type { Expr } from '../sql/tree.ts'
import { walkExpression } from '../sql/walk.ts'
import type { BranchInput } from './branch-proof.ts'
import { isUnjudged } from './casts.ts'
import type { Equalities } from './equalities.ts'
import { isSentinel, peel } from './rewrite.ts'
import { type Term, termOf } from './terms.ts'

type Named = Pick<Weakness, 'rule' | 'certain' | 'explanation' | 'subject'>

/** Says why a branch that is not proved lets other tenants' rows through: the first of the known shapes that fits. */
export function weaknessOf(input: BranchInput, knows: Equalities, policy: string, clause: 'using' | 'check'): Weakness {
  const atoms = input.branch.atoms
  const text = atoms.length === 0 ? 'true' : atoms.map((atom) => showExpression(atom, 80)).join(' and ')
  const reader = new AtomReader(input)
  const found = SHAPES.map((shape) => shape(reader, knows)).find((named) => named !== undefined) ?? {
    rule: 'unproved',
    certain: false,
    explanation: 'the branch is beyond the prover',
  }
  return { policy, clause, text: text.length > 240 ? `${text.slice(0, 239)}…` : text, ...found }
}

interface Comparison {
  readonly op: string
  readonly left: Term
  readonly right: Term
  readonly atom: Expr
}

class AtomReader {
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

type Shape = (reader: AtomReader, knows: Equalities) => Named | undefined

const alwaysTrue: Shape = (reader) => {
  const trivial = reader.atoms.every((atom) => {
    if (atom.kind === 'null-test' && atom.negated) {
      const term = reader.term(atom.arg)
      return (
        reader.isContext(term) ||
        term.kind === 'setting' ||
        reader.isTenantColumn(term) ||
        (term.kind === 'column' && term.column.notNull)
      )
    }
    if (
      atom.kind === 'operator' &&
      atom.left !== undefined &&
      (atom.op === '=' || atom.op === '>=' || atom.op === '<=')
    ) {
      const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
      return left.key === right.key && left.kind !== 'constant' && isOwn(reader, left)
    }
    if (atom.kind === 'operator' && atom.op === '<>' && atom.left !== undefined) {
      // setting <> '': says only that somebody set it.
      const terms = [reader.term(atom.left), reader.term(atom.right)]
      return terms.some((term) => reader.isContext(term)) && [atom.left, atom.right].some(isSentinel)
    }
    return false
  })
  if (!trivial || reader.input.branch.instances.length > 0) return undefined
  return { rule: 'policy-always-true', certain: true, explanation: 'nothing in it names the tenant of the row' }
}

function isOwn(reader: AtomReader, term: Term): boolean {
  return term.kind !== 'column' || reader.isOwnColumn(term)
}

const capture: Shape = (reader) => {
  for (const atom of reader.atoms) {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) continue
    const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
    if (left.kind === 'column' && left.key === right.key && !reader.isOwnColumn(left))
      return {
        rule: 'policy-subquery-capture',
        certain: true,
        explanation: `${left.column.name} is compared with itself inside the subquery: the name binds to ${left.instance.relation.name}, not to the row`,
        subject: left.instance.relation.label,
      }
  }
  return undefined
}

const failOpen: Shape = (reader) => {
  // coalesce(one setting, another): where the first is missing the second is asked, and compared.
  const asksAnother = reader
    .comparisons()
    .some(
      ({ op, left, right }) =>
        op === '=' &&
        reader.isContext(left) !== reader.isContext(right) &&
        [left, right].some((term) => term.kind === 'column'),
    )
  for (const atom of reader.atoms) {
    const says = (what: string): Named => ({ rule: 'policy-fail-open', certain: true, explanation: what })
    if (atom.kind === 'null-test' && !atom.negated && isContextLike(reader, atom.arg) && !asksAnother)
      return says('it is true when no tenant is set')
    if (atom.kind === 'boolean-test' && isContextLike(reader, atom.arg)) return says('it is true when no tenant is set')
    if (atom.kind === 'operator' && atom.op === '=' && atom.left !== undefined) {
      const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
      if (
        (reader.isContext(left) && right.kind === 'constant') ||
        (reader.isContext(right) && left.kind === 'constant')
      )
        return says('a value of the setting opens all rows')
    }
    if (
      atom.kind === 'boolean-test' &&
      atom.test === 'IS_NOT_TRUE' &&
      reader.deepTerms(atom.arg).some((term) => reader.isContext(term))
    )
      return says('it is true when the test of the tenant is not')
  }
  const swallowed = reader.atoms.some((atom) => atom.kind === 'other' && atom.node === 'an error is caught')
  if (swallowed)
    return {
      rule: 'policy-function-constant',
      certain: true,
      explanation: 'an error in the helper is caught and answered with a row',
    }
  return undefined
}

/** The context, or something that is NULL when it is: coalesce and nullif of it. */
function isContextLike(reader: AtomReader, expr: Expr): boolean {
  const inner = peel(expr)
  if (inner.kind === 'nullif') return isContextLike(reader, inner.left)
  if (inner.kind === 'coalesce') return inner.args.some((arg) => isContextLike(reader, arg))
  return reader.isContext(reader.term(inner))
}

const bypassFlag: Shape = (reader) => {
  for (const atom of reader.atoms) {
    const terms = reader.deepTerms(atom)
    const flag = terms.find((term) => term.kind === 'setting')
    if (flag?.kind !== 'setting' || terms.some((term) => term.kind === 'column')) continue
    const name = [flag.use.setting, ...flag.use.path].join('->')
    if (flag.use.path.some((key) => key.includes('user_metadata')))
      return {
        rule: 'policy-user-claim',
        certain: true,
        explanation: `${name} is data that the user can edit`,
        subject: name,
      }
    return { rule: 'policy-bypass-flag', certain: true, explanation: `any SQL can set ${name}`, subject: name }
  }
  return undefined
}

const nullTenant: Shape = (reader) => {
  const found = reader.atoms.some(
    (atom) => atom.kind === 'null-test' && !atom.negated && reader.isTenantColumn(reader.term(atom.arg)),
  )
  return found
    ? { rule: 'policy-null-tenant', certain: true, explanation: 'rows without a tenant belong to everybody' }
    : undefined
}

const RANGES = new Set(['<', '>', '<=', '>=', '<>', '!=', '<> all'])

const lossy: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    const tenant = [left, right].find((term) => reader.isTenantColumn(term))
    const context = [left, right].find((term) => reader.isContext(term) || term.kind === 'setting')
    if (tenant === undefined || context === undefined) continue
    if (RANGES.has(op))
      return { rule: 'policy-range-compare', certain: true, explanation: `${op} lets in more than one tenant` }
    const loss = left.lossy ?? right.lossy
    // A list of tenants is asked for an element, letter by letter.
    const { context: source } = reader.facts.tenancy
    if (source.kind === 'tenant' && source.list === true && (op === '?' || op === '= any') && loss === undefined)
      continue
    if (op !== '=')
      return { rule: 'policy-lossy-compare', certain: true, explanation: `${op} lets in more than one tenant` }
    if (loss !== undefined)
      return {
        rule: 'policy-lossy-compare',
        certain: !isUnjudged(loss),
        explanation: `${loss} makes different tenants equal`,
      }
  }
  for (const atom of reader.atoms) {
    // tenant % 1000 = setting % 1000: sums and remainders of ids meet.
    if (atom.kind === 'operator' && atom.op === '=' && atom.left !== undefined) {
      const sides = [atom.left, atom.right]
      const computed = sides.some((side) => /^[-+*/%&|#^]|<<|>>$/.test(operatorOf(side)))
      const tenant = sides.some((side) => reader.deepTerms(side).some((term) => reader.isTenantColumn(term)))
      const context = sides.some((side) => reader.deepTerms(side).some((term) => reader.isContext(term)))
      if (computed && tenant && context)
        return {
          rule: 'policy-lossy-compare',
          certain: true,
          explanation: 'the ids are computed with before they are compared',
        }
    }
    if (atom.kind === 'operator' && (atom.op === '=' || atom.op === '@>' || atom.op === '<@' || atom.op === '?'))
      continue
    const terms = reader.deepTerms(atom)
    if (
      terms.some((term) => reader.isTenantColumn(term)) &&
      terms.some((term) => reader.isContext(term)) &&
      atom.kind !== 'null-test'
    )
      return {
        rule: 'policy-lossy-compare',
        certain: false,
        explanation: 'tenant and setting meet in something else than =',
      }
  }
  return undefined
}

function operatorOf(expr: Expr): string {
  const inner = peel(expr)
  return inner.kind === 'operator' ? inner.op : ''
}

const settingMismatch: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    if (op !== '=') continue
    const setting = [left, right].find((term) => term.kind === 'setting')
    if (setting?.kind !== 'setting' || ![left, right].some((term) => reader.isTenantColumn(term))) continue
    const name = [setting.use.setting, ...setting.use.path].join('->')
    if (setting.use.path.some((key) => key.includes('user_metadata')))
      return {
        rule: 'policy-user-claim',
        certain: true,
        explanation: `${name} is data that the user can edit`,
        subject: name,
      }
    return {
      rule: 'policy-setting-mismatch',
      certain: true,
      explanation: `it reads ${name}, which the app does not set`,
      subject: name,
    }
  }
  return undefined
}

const wrongColumn: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    const own = [left, right].find((term) => reader.isOwnColumn(term) && !reader.isTenantColumn(term))
    if (
      (op === '=' || op === '= any') &&
      own?.kind === 'column' &&
      [left, right].some((term) => term.kind === 'context')
    )
      return {
        rule: 'policy-wrong-column',
        certain: true,
        explanation: `the tenant is compared with ${own.column.name}`,
        subject: own.column.name,
      }
  }
  return undefined
}

const userNotTenant: Shape = (reader, knows) => {
  const setting = reader
    .comparisons()
    .find(
      ({ op, left, right }) =>
        op === '=' && [left, right].some((term) => term.kind === 'setting' || term.kind === 'key'),
    )
  if (setting === undefined) return undefined
  const { row, table, branch } = reader.input
  const tenantMeets =
    table.kind !== 'child' &&
    branch.instances.some((instance) =>
      instance.relation.columns.some((column) =>
        knows.same(`${instance.id}.${column.name}`, `${row.id}.${table.column.name}`),
      ),
    )
  const who = [setting.left, setting.right].find((term) => term.kind === 'setting')
  const name = who?.kind === 'setting' ? [who.use.setting, ...who.use.path].join('->') : 'the key'
  if (tenantMeets)
    return {
      rule: 'policy-user-not-tenant',
      certain: true,
      explanation: `all tenants of the user in ${name} are mixed`,
      subject: name,
    }
  const own = [setting.left, setting.right].find((term) => reader.isOwnColumn(term))
  if (own?.kind === 'column')
    return {
      rule: 'policy-user-not-tenant',
      certain: true,
      explanation: `${own.column.name} = ${name} is the only wall`,
      subject: name,
    }
  return undefined
}

const roleIdentity: Shape = (reader) => {
  const { role } = reader.input
  const names = new Set([role.role.name, reader.facts.tenancy.appRole.name])
  for (const { op, left, right } of reader.comparisons()) {
    const constant = [left, right].find((term) => term.kind === 'constant' && names.has(String(term.value)))
    const own = [left, right].find((term) => reader.isOwnColumn(term))
    if (op === '=' && constant !== undefined && own?.kind === 'column')
      return {
        rule: 'policy-role-identity',
        certain: true,
        explanation: `${own.column.name} is compared with the role that all tenants share`,
        subject: own.column.name,
      }
  }
  return undefined
}

const columnOptOut: Shape = (reader) => {
  const columns: string[] = []
  for (const atom of reader.atoms) {
    const terms = reader.deepTerms(atom).filter((term) => term.kind !== 'constant' && term.kind !== 'other')
    const own = terms.find((term) => reader.isOwnColumn(term))
    if (own?.kind === 'column' && terms.every((term) => reader.isOwnColumn(term))) columns.push(own.column.name)
    else if (!isNotNullTest(reader, atom)) return undefined
  }
  if (columns.length === 0 || reader.input.branch.instances.length > 0) return undefined
  return {
    rule: 'policy-column-opt-out',
    certain: true,
    explanation: `a value of ${columns.join(', ')} opens the row to every tenant`,
    subject: columns[0] ?? '',
  }
}

function isNotNullTest(reader: AtomReader, atom: Expr): boolean {
  return atom.kind === 'null-test' && atom.negated && reader.isContext(reader.term(atom.arg))
}

/** A lookup that says nothing about the row: EXISTS (SELECT 1 FROM members WHERE user_id = …). */
const unrelatedLookup: Shape = (reader, knows) => {
  const { branch, row, table } = reader.input
  if (branch.instances.length === 0) return undefined
  const related = reader.atoms.some((atom) => {
    const terms = reader.deepTerms(atom).filter((term) => term.kind !== 'other' && term.kind !== 'constant')
    // A column compared with itself says nothing.
    return terms.some((term) => reader.isOwnColumn(term)) && new Set(terms.map((term) => term.key)).size > 1
  })
  const opaque = reader.atoms.some((atom) => atom.kind === 'call' || atom.kind === 'subquery' || atom.kind === 'other')
  if (related || opaque) return undefined
  if (table.kind !== 'child' && knows.same(`${row.id}.${table.column.name}`, 'context')) return undefined
  return { rule: 'policy-always-true', certain: true, explanation: 'the lookup says nothing about the row' }
}

const helper: Shape = (reader) => {
  for (const atom of reader.atoms) {
    let name: string | undefined
    walkExpression(atom, {
      expression: (part) => {
        if (part.kind === 'call' && reader.facts.functionsNamed(part.schema, part.name).length > 0) name ??= part.name
      },
    })
    if (name !== undefined)
      return {
        rule: 'unproved',
        certain: false,
        explanation: `the body of ${name}() is beyond the prover`,
        subject: name,
      }
  }
  return undefined
}

// The order decides which of several true things is said: the plainest first.
const SHAPES: readonly Shape[] = [
  alwaysTrue,
  capture,
  failOpen,
  bypassFlag,
  nullTenant,
  lossy,
  settingMismatch,
  wrongColumn,
  userNotTenant,
  roleIdentity,
  columnOptOut,
  unrelatedLookup,
  helper,
]
