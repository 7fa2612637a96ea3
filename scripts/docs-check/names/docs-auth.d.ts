/** The parts of better-auth that the page uses. */
declare const betterAuth: {
  readonly api: {
    getSession(call: { readonly headers: Headers }): Promise<{
      readonly session: {
        readonly id: string
        readonly activeOrganizationId?: string | null
        readonly createdAt: Date
        readonly expiresAt: Date
      }
      readonly user: { readonly id: string }
    } | null>
    getActiveMember(call: { readonly headers: Headers }): Promise<{ readonly role: string } | undefined>
  }
}
/** The parts of an Auth.js adapter that the page uses. */
declare const adapter: {
  getSessionAndUser(
    token: string,
  ): Promise<{ readonly session: { readonly expires: Date }; readonly user: { readonly id: string } } | null>
}
declare const loginPool: import('pg').Pool
declare const memberships: { has(userId: string, tenantId: string): boolean }
declare const vault: { read(name: string): string }
declare const issuer: import('partywall/auth').TokenVerifierOptions
declare const createTokenVerifier: typeof import('partywall/auth').createTokenVerifier
declare function verifyKey(credential: string): ReturnType<import('partywall/auth').OwnVerifierOptions['verify']>
