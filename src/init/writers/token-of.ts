import type { TokenCookie } from '../detection/token-cookie.ts'

/** The code of `tokenOf`, with which the adapter takes the token from a request: from the application's cookie, else from the header. */
export function tokenOf({ name, path }: TokenCookie, typed: boolean, exported: (name: string) => string): string {
  const request = typed
    ? '(request: { readonly headers: { readonly cookie?: string | undefined; readonly authorization?: string | undefined } })'
    : '(request)'
  return `/** The token of a request: the cookie ${name}, as ${path} reads it, else \`Authorization: Bearer\`. */
${exported('tokenOf')}${request} => {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const cookie = pairs.find((pair) => pair.startsWith('${name}='))?.slice('${name}='.length)
  return cookie ?? /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
}`
}
