declare const user: { readonly id: string; readonly organizationId: string }
declare const users: { updateLastLogin(id: string): Promise<void> }
