import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** The example's table of documents. */
export const documents = pgTable('documents', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull().defaultRandom(),
  projectId: uuid('project_id'),
  title: text('title').notNull(),
  body: text('body').notNull().default(''),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})
