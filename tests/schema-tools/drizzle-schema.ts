import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

// As a service declares its tables for its queries: nothing in it speaks of policies.
export const documents = pgTable('documents', {
  id: uuid('id').primaryKey().defaultRandom(),
  tenantId: uuid('tenant_id').notNull(),
  title: text('title').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})
