/** The verbs of policies (FOR …) and of privileges on rows. */
export type Verb = 'select' | 'insert' | 'update' | 'delete'
export const VERBS: readonly Verb[] = ['select', 'insert', 'update', 'delete']
