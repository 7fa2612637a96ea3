import type { Expr, Query } from '../sql/tree.ts'

/** What a call comes down to, in the function's own names: a value, or the rows of a query. */
export type Inlined = { readonly kind: 'value'; readonly expr: Expr } | { readonly kind: 'rows'; readonly query: Query }
