declare const tenant: ReturnType<typeof import('partywall/next').nextTenant>
declare const List: (props: { readonly rows: readonly unknown[] }) => null
declare function sessionToken(cookie: string | null): string | undefined
