import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { asksForSession } from '../../tenancy/session-askers.ts'
import { readProbes } from '../attacks/read-across.ts'
import { type Arena, AttackLedger } from './arena.ts'
import { crossingOf } from './blame.ts'
import type { AttackContext, Contexts } from './contexts.ts'
import { crosser } from './crosser.ts'
import { loginName } from './identity.ts'
import { type ArenaOptions, contextsOf, openArena } from './open-arena.ts'
import { type AttackSession, attackSession } from './session.ts'
import { victimRow } from './victim-row.ts'
import { insertSql, writeProbes } from './write-probes.ts'

interface RealLoginOptions extends ArenaOptions {
  /** Superuser URL of a database on a server that this run started for itself. */
  readonly ownServerUrl: string
  readonly connect: (url: string) => Promise<pg.Client>
}

/**
 * For policies that test session_user: repeats the statements of attacks and controls on a connection that the application's login opened
 * itself.
 *
 * No other connection sees the rows that the attacks' transaction planted. verify therefore commits planted rows in a copy of the database,
 * and drops the copy afterwards. If tenant A reaches more rows than in the attacks' session, that is a crossing. If tenant B reaches fewer
 * rows than in the attacks' session, the controls of the attacks' session do not count.
 */
export async function compareWithRealLogin(options: RealLoginOptions, ledger: AttackLedger): Promise<void> {
  const { facts } = options
  const asked = facts.relations.filter(
    (relation) => facts.tenantTable(relation) !== undefined && asksForSession(facts, relation.label),
  )
  const roles = facts.acting.filter((role) => !role.bypasses)
  if (asked.length === 0 || roles.length === 0) return
  await compareAll(options, ledger, roles, asked).catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error)
    ledger.noLogin(`no connection could be opened as the application’s login: ${words}`)
  })
}

async function compareAll(
  options: RealLoginOptions,
  ledger: AttackLedger,
  roles: readonly ActingRole[],
  asked: readonly Relation[],
): Promise<void> {
  await withCopy(options, async (url) => {
    const client = await options.connect(url)
    try {
      await client.query('begin')
      const session = attackSession(client)
      const arena = await openArena(options, session, 'set', new AttackLedger(options.facts), undefined)
      // A foreign key would refuse to delete a referenced row, and so hide that the policy allows the DELETE.
      await dropForeignKeys(options.facts, session, asked)
      await client.query('commit')
      const trials = roles.flatMap((role) => asked.flatMap((relation) => trialsOf(arena, role, relation)))
      const round = { options, ledger, client, session, arena, url }
      await compareRound(round, roles, trials)
      // The next round inserts B's own row again: delete the stored one, or its unique keys would conflict.
      await client.query('begin; set local session_replication_role = replica')
      for (const relation of asked) {
        const row = victimRow(arena, relation)
        if (row !== undefined) await client.query(`delete from ${qualifiedName(relation)} where ${row.filter}`)
      }
      await client.query('commit')
      await compareRound(
        round,
        roles,
        roles.flatMap((role) => asked.flatMap((relation) => insertTrials(arena, role, relation))),
      )
    } finally {
      await client.end().catch(() => {})
    }
  })
}

async function dropForeignKeys(facts: Facts, session: AttackSession, asked: readonly Relation[]): Promise<void> {
  const oids = new Set(asked.map(({ oid }) => oid))
  for (const relation of facts.relations)
    for (const { kind, name, references, parent } of relation.constraints)
      if (kind === 'foreign-key' && parent === 0 && references !== undefined && oids.has(references.relation))
        await session.run(
          `alter table ${qualifiedName(relation)} drop constraint if exists ${quoteIdentifier(name)} cascade`,
        )
}

interface Round {
  readonly options: RealLoginOptions
  readonly ledger: AttackLedger
  readonly client: pg.Client
  readonly session: AttackSession
  readonly arena: Arena
  readonly url: string
}

/** Runs each trial twice, in the attacks' session and on a connection of the login, and compares the results. */
async function compareRound(round: Round, roles: readonly ActingRole[], trials: readonly Trial[]): Promise<void> {
  const { options, ledger, client, session, arena, url } = round
  const { facts } = options
  const emulated = new Map<Trial, Outcome>()
  await client.query('begin')
  for (const trial of trials)
    emulated.set(trial, outcome(await arena.as(trial.role, arena.contexts[trial.side], () => session.text(trial.sql))))
  await client.query('rollback')
  for (const role of roles)
    await withLogin(options, client, url, loginName(facts, role.path[0] ?? role.role.name), async (real, login) => {
      const contexts = await contextsOf(options, real, arena.planting)
      for (const trial of trials.filter((each) => each.role === role)) {
        const before = emulated.get(trial)
        if (before === undefined) continue
        const after = await asLogin(real, contexts, trial, login)
        compare(facts, ledger, trial, { emulated: before, real: after, login, context: contexts[trial.side] })
      }
    })
}

interface Trial {
  readonly role: ActingRole
  /** `a` attacks, `b` is the control. */
  readonly side: 'a' | 'b'
  readonly relation: Relation
  readonly verb: Verb
  readonly sql: string
}

/** How many rows a trial reached. An error counts as none. */
interface Outcome {
  readonly rows: number
  readonly error: string | undefined
}

function trialsOf(arena: Arena, role: ActingRole, relation: Relation): readonly Trial[] {
  const reads = readProbes(arena, role, 'b', [relation]).map(({ sql }) => ({ sql, verb: 'select' as const }))
  const updates = writeProbes(arena, relation, role, false).filter(
    ({ verb, isControl, sql }) => verb === 'update' && isControl && !sql.includes(';'),
  )
  const deletes = arena.facts.privileges.onRelation(role.role.oid, relation, 'DELETE')
    ? [{ sql: `delete from ${qualifiedName(relation)}`, verb: 'delete' as const }]
    : []
  return both(role, relation, [...reads, ...updates, ...deletes])
}

function insertTrials(arena: Arena, role: ActingRole, relation: Relation): readonly Trial[] {
  const victim = victimRow(arena, relation)
  const sql = victim === undefined ? undefined : insertSql(arena.facts, relation, role, victim.row)
  // An INSERT into the table of tenants makes a new tenant, which is no crossing.
  const root = arena.facts.tenantTable(relation)?.kind === 'root'
  return sql === undefined || root ? [] : both(role, relation, [{ sql, verb: 'insert' }])
}

function both(
  role: ActingRole,
  relation: Relation,
  statements: readonly { readonly sql: string; readonly verb: Verb }[],
): readonly Trial[] {
  return statements.flatMap(({ sql, verb }) =>
    (['a', 'b'] as const).map((side) => ({ role, side, relation, verb, sql })),
  )
}

function outcome(answer: Awaited<ReturnType<AttackSession['probe']>> & { readonly ok: boolean }): Outcome {
  if (!answer.ok) return { rows: 0, error: answer.error.message }
  const { value } = answer
  const count = typeof value === 'object' && value !== null && 'count' in value ? value.count : 0
  return { rows: typeof count === 'number' ? count : 0, error: undefined }
}

async function asLogin(real: AttackSession, contexts: Contexts, trial: Trial, login: string): Promise<Outcome> {
  const context: AttackContext = contexts[trial.side]
  const become = trial.role.role.name === login ? '' : `set local role ${quoteIdentifier(trial.role.role.name)};`
  await real.run('begin')
  try {
    return outcome(
      await real.probe(async () => {
        await real.run(`${become}${context.sql(trial.role)}select 1`)
        return await real.text(trial.sql)
      }),
    )
  } finally {
    await real.run('rollback')
  }
}

interface Compared {
  readonly emulated: Outcome
  readonly real: Outcome
  readonly login: string
  readonly context: AttackContext
}

function compare(
  facts: Facts,
  ledger: AttackLedger,
  { role, side, relation, verb }: Trial,
  { emulated, real, login, context }: Compared,
): void {
  const by = crosser(role, context)
  const as = `logged in as ${login}${role.role.name === login ? '' : `, SET ROLE ${role.role.name}`}`
  if (side === 'a' && real.rows > emulated.rows)
    ledger.observations.push(
      crossingOf(facts, relation, verb, by, {
        message: `Policies of ${relation.label} ask who logged in, and let the application's own login ${verb} rows of another tenant.`,
        evidence: [`${as}, tenant A: ${verb.toUpperCase()} reached the planted row of tenant B`],
      }),
    )
  if (side === 'b' && real.rows < emulated.rows)
    ledger.differ(
      relation.label,
      verb,
      `${as}, tenant B could not ${verb} its own planted row${real.error === undefined ? '' : `: ${real.error}`}`,
    )
}

/** Opens a connection as this login with a temporary password, and restores the old password afterwards. */
async function withLogin(
  options: RealLoginOptions,
  planter: pg.Client,
  url: string,
  login: string,
  work: (session: AttackSession, login: string) => Promise<void>,
): Promise<void> {
  const { rows } = await planter.query<{ rolpassword: string | null }>(
    'select rolpassword from pg_catalog.pg_authid where rolname = $1 and rolcanlogin',
    [login],
  )
  // The role can't log in, such as PostgREST's roles when the migrations do not create its login role.
  if (rows[0] === undefined) return
  const before = rows[0].rolpassword
  const password = randomBytes(16).toString('hex')
  const set = (text: string) => planter.query(`alter role ${quoteIdentifier(login)} password ${text}`)
  await set(quoteLiteral(password))
  try {
    const own = new URL(url)
    own.username = encodeURIComponent(login)
    own.password = password
    const client = await options.connect(own.href)
    try {
      await work(attackSession(client), login)
    } finally {
      await client.end().catch(() => {})
    }
  } finally {
    await set(before === null ? 'null' : quoteLiteral(before))
  }
}

async function withCopy(
  { ownServerUrl, connect }: RealLoginOptions,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const source = new URL(ownServerUrl)
  const name = decodeURIComponent(source.pathname.slice(1))
  const copy = `partywall_login_${randomBytes(6).toString('hex')}`
  const at = (database: string) => {
    const url = new URL(ownServerUrl)
    url.pathname = `/${encodeURIComponent(database)}`
    return url.href
  }
  // CREATE DATABASE … TEMPLATE fails while someone is connected to the template, so connect to `postgres` instead.
  const maintenance = await connect(at('postgres'))
  try {
    await maintenance.query(`create database ${quoteIdentifier(copy)} template ${quoteIdentifier(name)}`)
    await work(at(copy))
  } finally {
    await maintenance.query(`drop database if exists ${quoteIdentifier(copy)} with (force)`).catch(() => {})
    await maintenance.end().catch(() => {})
  }
}
