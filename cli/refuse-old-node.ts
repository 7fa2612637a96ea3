import { oldNode } from '../src/config/node-version.ts'

// Imported first: what stands behind it needs functions that an old Node does not have.
const refusal = oldNode(process.versions.node)
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`)
  process.exit(2)
}
