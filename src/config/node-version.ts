/** The same as `engines` in package.json; a test compares the two. */
const LEAST = [20, 19] as const

/** Returns an error message if this version of Node.js is too old, and undefined otherwise. */
export function oldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return undefined
  return `partywall needs Node.js ${LEAST.join('.')} or later, and this is ${version}. Install a newer one, for example with: nvm install 22`
}
