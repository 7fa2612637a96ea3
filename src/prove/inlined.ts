import type { Expr, Query } from '../sql/tree.ts'

/** The result of a function in terms of its arguments: one value, or the rows of a query. */
export type Inlined = { readonly kind: 'value'; readonly expr: Expr } | { readonly kind: 'rows'; readonly query: Query }
