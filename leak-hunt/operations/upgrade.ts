// An operator upgrades the database to tickets while processes of both releases serve, goes back to the policies of the release before,
// and upgrades again.
import { migrate } from '../../src/migrate/migrate.ts'
import type { Operation } from '../hunt.ts'
import { changeSealPolicies } from '../release-before.ts'

let atWork = false

export const upgrade: Operation = {
  name: 'an upgrade or a downgrade',
  weight: 0.15,
  async run({ stage, ledger }) {
    const state = stage.upgrade
    if (state === undefined || atWork) return
    atWork = true
    try {
      if (state.migrated) {
        const next = state.policies === 'before' ? 'this' : 'before'
        await changeSealPolicies(stage.admin, next, 'ledger')
        state.policies = next
        state.changes++
      } else {
        await migrate({ databaseUrl: state.databaseUrl, sealSecret: state.sealSecret })
        state.migrated = true
      }
    } catch (error) {
      ledger.violate('refusal that nobody planned', `the operator: ${String(error)}`)
    } finally {
      atWork = false
    }
  },
}
