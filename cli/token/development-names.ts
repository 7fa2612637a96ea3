/** The issuer and the audience of tokens that `partywall token make` signs, unless options name others. */
export const ISSUER = 'urn:partywall:development'
export const AUDIENCE = 'development'
