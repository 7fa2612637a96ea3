import { createHash } from 'node:crypto'
import type { PolicyCommand } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { isBareSelect } from '../../prove/bare-select.ts'
import { isBuiltInCall } from '../../prove/built-in.ts'
import { callsGenuineContext, isGenuineMark } from '../../prove/genuine.ts'
import { settingOf } from '../../prove/setting-of.ts'
import { isGenuinePlacement, ticketExpression } from '../../prove/ticket.ts'
import { mapExpression } from '../../sql/map-expression.ts'
import type { Expr } from '../../sql/tree.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { FleetPolicy, FleetRelation } from '../../tenancy/fleet/fleet.ts'

/** A condition that holds for every row that a policy lets pass: the context names this tenant. */
interface TenantTest {
  /** The tenant's id, or its SHA-256 in hex digits. */
  readonly tenant: string
  readonly hashed: boolean
  /** Whether the condition tests the seal, which injected SQL can't make. */
  readonly sealed: boolean
}

interface Condition {
  readonly tests: readonly TenantTest[]
  /** Whether the condition depends on the caller's search_path, as `current_schema()` does. */
  readonly trustsPath: boolean
}

const NOTHING: Condition = { tests: [], trustsPath: false }

/** Prefix of the hash of a tenant whose id is not known. */
export const HASHED = 'sha256:'

/** Whether a test is about this tenant. `id` may also be a hash with the prefix {@link HASHED}. */
export function isTestOf({ tenant, hashed }: TenantTest, id: string): boolean {
  if (id.startsWith(HASHED)) return hashed && id.slice(HASHED.length) === tenant
  return hashed ? createHash('sha256').update(id).digest('hex') === tenant : tenant === id
}

/** Reads the policies of tenants' schemas. Policies of a thousand schemas differ only in their constants, so each text is parsed once. */
class SchemaPolicies {
  readonly #facts: Facts
  /** Conditions by their text without constants. In their tests, the number of a constant stands in the place of the tenant. */
  readonly #known = new Map<string, Condition>()
  readonly #byText = new Map<string, Condition>()

  constructor(facts: Facts) {
    this.#facts = facts
  }

  /** The tests of one expression. */
  condition(text: string | undefined): Condition {
    if (text === undefined) return NOTHING
    let known = this.#byText.get(text)
    if (known === undefined) {
      known = this.#conditionOf(text)
      this.#byText.set(text, known)
    }
    return known
  }

  #conditionOf(text: string): Condition {
    const { masked, constants } = maskConstants(text)
    let known = this.#known.get(masked)
    if (known === undefined) {
      known = this.#read(masked)
      this.#known.set(masked, known)
    }
    if (known.tests.length === 0) return known
    const value = (tenant: string) => (tenant.startsWith('§') ? (constants[Number(tenant.slice(1))] ?? tenant) : tenant)
    return { ...known, tests: known.tests.map((test) => ({ ...test, tenant: value(test.tenant) })) }
  }

  /**
   * The tests that are passed by every row that a role can reach by a verb. Undefined if no policy lets the role reach a row.
   *
   * The result contains the tests of restrictive policies, and the tests that all permissive policies have in common.
   */
  testsOf(relation: FleetRelation, verb: Verb, role: ActingRole): readonly TenantTest[] | undefined {
    const applies = relation.policies.filter((policy) => isFor(policy, role) && isAbout(policy.command, verb))
    const clauses = clausesOf(verb)
    const perClause = clauses.map((clause): readonly TenantTest[] | undefined => {
      const texts = (permissive: boolean) =>
        applies
          .filter((policy) => policy.permissive === permissive)
          .map((policy) => this.condition(clause === 'using' ? policy.using : (policy.check ?? policy.using)).tests)
      const permissive = texts(true)
      if (permissive.length === 0) return undefined
      const [first = [], ...others] = permissive
      const common = first.filter((test) => others.every((tests) => tests.some((other) => same(test, other))))
      return [...texts(false).flat(), ...common]
    })
    if (perClause.some((tests) => tests === undefined)) return undefined
    const [first = [], ...others] = perClause
    return (first ?? []).filter((test) => others.every((tests) => tests?.some((other) => same(test, other)) === true))
  }

  /** Whether a policy of the table trusts the caller's search_path. */
  trustsPath(relation: FleetRelation): FleetPolicy | undefined {
    return relation.policies.find(
      (policy) => this.condition(policy.using).trustsPath || this.condition(policy.check).trustsPath,
    )
  }

  #read(text: string): Condition {
    const parsed = this.#facts.sql.expression(text)
    if (!parsed.ok) return NOTHING
    let trustsPath = false
    mapExpression(parsed.value, (part) => {
      if (part.kind === 'call' && /^current_schemas?$/.test(part.name)) trustsPath = true
      if (part.kind === 'keyword' && part.name === 'current_schema') trustsPath = true
      if (settingOf(part, this.#facts)?.use.setting === 'search_path') trustsPath = true
      return undefined
    })
    return {
      tests: this.#testsIn(parsed.value),
      trustsPath: trustsPath || /\bcurrent_schemas?\b|'search_path'/i.test(text),
    }
  }

  #testsIn(expr: Expr): readonly TenantTest[] {
    if (expr.kind === 'and') return expr.args.flatMap((arg) => this.#testsIn(arg))
    if (expr.kind === 'subquery' && expr.type === 'scalar' && isBareSelect(expr.query)) {
      const inner = expr.query.targets[0]?.expr
      return inner === undefined ? [] : this.#testsIn(inner)
    }
    if (expr.kind !== 'operator' || expr.op !== '=' || expr.schema !== undefined || expr.left === undefined) return []
    const [left, right] = [constantOf(expr.left), constantOf(expr.right)]
    if (left === undefined && right !== undefined) return this.#testOf(expr.left, right)
    return left !== undefined && right === undefined ? this.#testOf(expr.right, left) : []
  }

  #testOf(side: Expr, tenant: string): readonly TenantTest[] {
    const source = this.#sourceOf(side)
    return source === undefined ? [] : [{ tenant, ...source }]
  }

  /** Which part of the context an expression reads: the tenant or its hash, from the plain setting or from the seal. */
  #sourceOf(expr: Expr): { readonly hashed: boolean; readonly sealed: boolean } | undefined {
    const facts = this.#facts
    if (expr.kind === 'cast')
      return /^(text|character varying|uuid)$/.test(expr.type) ? this.#sourceOf(expr.arg) : undefined
    if (expr.kind === 'subquery' && expr.type === 'scalar') {
      if (isBareSelect(expr.query)) {
        const inner = expr.query.targets[0]?.expr
        return inner === undefined ? undefined : this.#sourceOf(inner)
      }
      if (isPlacementQuery(expr, facts)) return { hashed: true, sealed: true }
      const inner = ticketExpression(expr.query, facts)
      return inner === undefined ? undefined : this.#sourceOf(inner)
    }
    if (expr.kind === 'coalesce') {
      const sources = expr.args.map((arg) => this.#sourceOf(arg))
      const [first] = sources
      return sources.every((source) => source?.sealed === true && !source.hashed) ? first : undefined
    }
    if (expr.kind === 'call') {
      if (callsGenuineContext(expr, facts)) return { hashed: false, sealed: true }
      if (isHash(expr, facts)) return { hashed: true, sealed: false }
    }
    const read = settingOf(expr, facts)
    const { context } = facts.tenancy
    return read !== undefined && read.use.setting === context.setting && read.use.path.length === 0
      ? { hashed: false, sealed: false }
      : undefined
  }
}

/** Replaces text constants that are compared by `=` with `§0`, `§1`, … Other constants, such as the name of a setting, stay. */
function maskConstants(text: string): { readonly masked: string; readonly constants: readonly string[] } {
  const constants: string[] = []
  let masked = ''
  let at = 0
  for (;;) {
    const start = text.indexOf("'", at)
    if (start === -1) return { masked: masked + text.slice(at), constants }
    let end = start + 1
    // Two quotes stand for one inside of a constant.
    while (end < text.length && (text[end] !== "'" || text[end + 1] === "'")) end += text[end] === "'" ? 2 : 1
    const isText = text.startsWith('::text', end + 1)
    const compared = isText && (text.slice(0, start).endsWith('= ') || text.startsWith('::text = ', end + 1))
    masked += text.slice(at, start)
    if (compared) {
      masked += `'§${constants.length}'`
      constants.push(text.slice(start + 1, end).replaceAll("''", "'"))
    } else masked += text.slice(start, end + 1)
    at = end + 1
  }
}

/** `encode(sha256(convert_to(setting, 'UTF8')), 'hex')`. */
function isHash(expr: Extract<Expr, { kind: 'call' }>, facts: Facts): boolean {
  const [digest, format] = expr.args
  if (expr.name !== 'encode' || digest?.kind !== 'call' || digest.name !== 'sha256' || constantOf(format) !== 'hex')
    return false
  const [bytes] = digest.args
  if (bytes?.kind !== 'call' || bytes.name !== 'convert_to') return false
  const [text] = bytes.args
  return (
    [expr, digest, bytes].every((call) => isBuiltInCall(call, facts)) &&
    text !== undefined &&
    settingOf(text, facts)?.use.setting === facts.tenancy.context.setting
  )
}

/** `(select coalesce(p.mark, partywall.placed_mark()) from partywall.placement p)`, on partywall's own view and function. */
function isPlacementQuery({ query }: Extract<Expr, { kind: 'subquery' }>, facts: Facts): boolean {
  const [item, ...more] = query.from
  if (item?.kind !== 'table' || more.length > 0 || item.schema !== 'partywall' || item.name !== 'placement')
    return false
  if (!isBareSelect({ ...query, from: [] }) || !isGenuinePlacement(facts)) return false
  const target = query.targets[0]?.expr
  if (target?.kind !== 'coalesce' || target.args.length !== 2) return false
  const [mark, call] = target.args
  return (
    mark?.kind === 'column' &&
    mark.name === 'mark' &&
    call?.kind === 'call' &&
    call.schema === 'partywall' &&
    call.name === 'placed_mark' &&
    isGenuineMark(facts)
  )
}

function constantOf(expr: Expr | undefined): string | undefined {
  if (expr?.kind === 'cast')
    return /^(text|character varying|uuid|name)$/.test(expr.type) ? constantOf(expr.arg) : undefined
  return expr?.kind === 'constant' && typeof expr.value === 'string' ? expr.value : undefined
}

function same(one: TenantTest, other: TenantTest): boolean {
  return one.tenant === other.tenant && one.hashed === other.hashed
}

function isFor({ roles }: FleetPolicy, role: ActingRole): boolean {
  return roles.includes(0) || roles.some((oid) => role.rights.has(oid))
}

function isAbout(command: PolicyCommand, verb: Verb): boolean {
  return command === 'all' || command === verb
}

function clausesOf(verb: Verb): readonly ('using' | 'check')[] {
  if (verb === 'insert') return ['check']
  return verb === 'update' ? ['using', 'check'] : ['using']
}

const read = new WeakMap<Facts, SchemaPolicies>()

/** The policies of the tenants' schemas, read once for all rules. */
export function schemaPolicies(facts: Facts): SchemaPolicies {
  let known = read.get(facts)
  if (known === undefined) {
    known = new SchemaPolicies(facts)
    read.set(facts, known)
  }
  return known
}
