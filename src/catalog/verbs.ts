/** What a policy may be FOR, and what a role may do to a row. */
export type Verb = 'select' | 'insert' | 'update' | 'delete'
export const VERBS: readonly Verb[] = ['select', 'insert', 'update', 'delete']
