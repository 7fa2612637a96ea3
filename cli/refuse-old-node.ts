import { oldNode } from '../src/config/node-version.ts'

// Imported first, because later imports need functions that an old Node.js does not have.
const refusal = oldNode(process.versions.node)
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`)
  process.exit(2)
}
