/** The example's rows, as the database returns them. */
export interface Document {
  readonly id: string
  readonly tenant_id: string
  readonly project_id: string | null
  readonly title: string
  readonly body: string
  readonly created_by: string | null
  readonly created_at: Date
}

export interface Project {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly owner_id: string | null
  readonly created_at: Date
}

export interface User {
  readonly id: string
  readonly tenant_id: string
  readonly email: string
  readonly name: string
  readonly role: string
  readonly created_at: Date
}

/** The columns that a repository may use in SQL, with their types. */
export const documents = {
  table: 'documents',
  columns: {
    id: 'uuid',
    tenant_id: 'uuid',
    project_id: 'uuid',
    title: 'text',
    body: 'text',
    created_by: 'uuid',
    created_at: 'timestamptz',
  },
} as const

export const projects = {
  table: 'projects',
  columns: { id: 'uuid', tenant_id: 'uuid', name: 'text', owner_id: 'uuid', created_at: 'timestamptz' },
} as const

export const users = {
  table: 'users',
  columns: { id: 'uuid', tenant_id: 'uuid', email: 'text', name: 'text', role: 'text', created_at: 'timestamptz' },
} as const
