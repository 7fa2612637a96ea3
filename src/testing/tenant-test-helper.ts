import type pg from 'pg'
import type { Placement } from '../context/placement.ts'
import { runWithTenant } from '../context/run-with-tenant.ts'
import type { TenantContextInput } from '../context/tenant-context.ts'
import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import { createTestApi, type TestApi } from './test-api.ts'
import type { KitIssuer } from './test-issuer.ts'

/** Claims of a token that differ from the defaults. */
export interface TokenChanges {
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  readonly header?: Readonly<Record<string, unknown>> | undefined
  readonly roles?: readonly string[] | undefined
  readonly expiresInSeconds?: number | undefined
}

/** The parts of a helper, which the kit provides. */
export interface TenantTestParts {
  readonly name: string
  readonly tenantId: string
  /** The claim that names the tenant. */
  readonly key: string
  readonly userId: string
  readonly tier: string
  readonly roles: readonly string[]
  readonly baseUrl: string
  readonly issuer: KitIssuer
  readonly pool: TenantPool
  readonly setStatus: (status: string) => Promise<void>
}

/** One tenant in a test: its tokens, its requests, its SQL. */
export class TenantTestHelper {
  readonly name: string
  readonly tenantId: string
  readonly key: string
  readonly userId: string
  readonly tier: string
  readonly roles: readonly string[]
  /** The schema of the tenant's own tables, for {@link run} and {@link rawQuery}. Set it after `partywall.install_schema()`. */
  placement: Placement | undefined
  /** Requests with this tenant's token. */
  readonly api: TestApi
  readonly #parts: TenantTestParts
  #token: { readonly text: string; readonly until: number } | undefined

  constructor(parts: TenantTestParts) {
    const { name, tenantId, key, userId, tier, roles } = parts
    this.name = name
    this.tenantId = tenantId
    this.key = key
    this.userId = userId
    this.tier = tier
    this.roles = roles
    this.#parts = parts
    this.api = createTestApi(parts.baseUrl, () => this.#ownToken())
  }

  /** A fresh token of this tenant. */
  token(changes: TokenChanges = {}): Promise<string> {
    const { claims, header, roles = this.roles, expiresInSeconds = 300 } = changes
    const exp = Math.floor(Date.now() / 1000) + expiresInSeconds
    return this.#parts.issuer.sign({ sub: this.userId, org_id: this.key, roles, exp, ...claims }, header)
  }

  /** Runs SQL as the application's role, in this tenant's context, through a pool of the kit. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape, as with pg
  rawQuery<Row extends pg.QueryResultRow = any>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.run(() => this.#parts.pool.query<Row>(text, values === undefined ? undefined : [...values]))
  }

  /** Runs `fn` in this tenant's context. */
  run<T>(fn: () => T): T {
    return runWithTenant(this.context, fn)
  }

  get context(): TenantContextInput {
    const { tenantId, userId, tier, roles, placement } = this
    return { tenantId, userId, tier, roles, placement }
  }

  suspend(): Promise<void> {
    return this.#parts.setStatus('suspended')
  }

  activate(): Promise<void> {
    return this.#parts.setStatus('active')
  }

  async #ownToken(): Promise<string> {
    const now = Date.now()
    if (this.#token === undefined || this.#token.until < now) {
      this.#token = { text: await this.token(), until: now + 120_000 }
    }
    return this.#token.text
  }
}
