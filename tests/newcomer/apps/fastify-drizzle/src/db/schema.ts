import { relations } from 'drizzle-orm'
import { boolean, index, integer, pgEnum, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'

export const accountRole = pgEnum('account_role', ['admin', 'employee'])

export const companies = pgTable('companies', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

export const accounts = pgTable(
  'accounts',
  {
    id: serial('id').primaryKey(),
    companyId: integer('company_id')
      .notNull()
      .references(() => companies.id, { onDelete: 'cascade' }),
    email: text('email').notNull().unique(),
    passwordHash: text('password_hash').notNull(),
    fullName: text('full_name').notNull(),
    role: accountRole('role').notNull().default('employee'),
  },
  (t) => [index('accounts_company_id_idx').on(t.companyId)],
)

export const projects = pgTable(
  'projects',
  {
    id: serial('id').primaryKey(),
    companyId: integer('company_id')
      .notNull()
      .references(() => companies.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    billable: boolean('billable').notNull().default(true),
  },
  (t) => [index('projects_company_id_idx').on(t.companyId)],
)

export const tasks = pgTable(
  'tasks',
  {
    id: serial('id').primaryKey(),
    projectId: integer('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    title: text('title').notNull(),
  },
  (t) => [index('tasks_project_id_idx').on(t.projectId)],
)

export const timeEntries = pgTable(
  'time_entries',
  {
    id: serial('id').primaryKey(),
    taskId: integer('task_id')
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    accountId: integer('account_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    minutes: integer('minutes').notNull(),
    note: text('note').notNull().default(''),
  },
  (t) => [index('time_entries_task_id_idx').on(t.taskId)],
)

export const projectRelations = relations(projects, ({ many }) => ({ tasks: many(tasks) }))
export const taskRelations = relations(tasks, ({ one, many }) => ({
  project: one(projects, { fields: [tasks.projectId], references: [projects.id] }),
  entries: many(timeEntries),
}))
export const timeEntryRelations = relations(timeEntries, ({ one }) => ({
  task: one(tasks, { fields: [timeEntries.taskId], references: [tasks.id] }),
}))
