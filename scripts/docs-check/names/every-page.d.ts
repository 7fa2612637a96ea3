// Names that code blocks use without declaring them. A block that declares a name hides the one here.
import type { Server } from 'node:http'
import type { Express, RequestHandler } from 'express'
import type { Partywall, PartywallConfig } from 'partywall'
import type { RateLimiter, RateLimitStore } from 'partywall/rate-limit'

interface Document {
  readonly id: string
  readonly title: string
}

declare global {
  const wall: Partywall
  const pool: Partywall['pool']
  const events: Partywall['events']
  const limiter: RateLimiter
  const store: RateLimitStore
  const database: PartywallConfig['database']
  const auth: PartywallConfig['auth']
  const seal: PartywallConfig['seal']
  const app: Express
  const server: Server

  const url: string
  const databaseUrl: string
  const connectionString: string
  const secret: string
  const token: string
  const redisUrl: string
  const jti: string
  const id: string
  const tenantId: string
  const userId: string
  const month: string
  const roles: readonly string[]
  const rows: Record<string, unknown>[]
  const total: number

  const listDocuments: RequestHandler
  const exportDocuments: RequestHandler
  const startExport: RequestHandler
  const ping: RequestHandler
  const documents: { findPage(): Promise<readonly Document[]> }
  const repository: { findAll(): Promise<readonly Document[]> }
  function makeReport(month?: string): Promise<string>
}
