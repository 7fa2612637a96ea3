import type { Expr, Query } from '../sql/tree.ts'

/** What a function returns, in terms of its own arguments: one value, or the rows of a query. */
export type Inlined = { readonly kind: 'value'; readonly expr: Expr } | { readonly kind: 'rows'; readonly query: Query }
