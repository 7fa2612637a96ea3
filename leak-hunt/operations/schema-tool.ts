// A schema tool that runs as the owner while the service runs. It removes row-level security, and restores it.
import { asAnotherRequest, codeOf, type Operation, type Turn } from '../hunt.ts'

const TAKEN_AWAY = [
  [
    'row security switched off',
    'alter table vault disable row level security',
    'alter table vault enable row level security',
  ],
  [
    'row security not forced',
    'alter table vault no force row level security',
    'alter table vault force row level security',
  ],
  ['a policy for everybody', 'create policy everybody on vault using (true)', 'drop policy everybody on vault'],
] as const

/** Time limit for the process to notice: several intervals, because the machine is under load. */
const NOTICED_WITHIN_MS = 8_000

let atWork = false

export const schemaTool: Operation = {
  name: 'a schema tool at work',
  weight: 0.15,
  notPooled: true,
  async run(turn) {
    const { watched } = turn.stage
    if (watched === undefined || atWork) return
    atWork = true
    try {
      const [what, takeAway, putBack] = turn.random.pick(sealedOrNot(turn))
      await watched.owner(takeAway)
      const isRefused = await becomes(turn, 'refused')
      await watched.owner(putBack)
      if (!isRefused) turn.ledger.violate('attack succeeded', `the process went on after: ${what}`)
      if (!(await becomes(turn, 'answered')))
        turn.ledger.violate('refusal that nobody planned', `the process did not go on when this was mended: ${what}`)
    } finally {
      atWork = false
    }
  },
}

/** With a seal an additional permissive policy shows no further rows, so the watch accepts it. */
function sealedOrNot({ stage }: Turn): readonly (typeof TAKEN_AWAY)[number][] {
  return stage.sealed ? TAKEN_AWAY.slice(0, 2) : TAKEN_AWAY
}

async function becomes({ stage }: Turn, wanted: 'refused' | 'answered'): Promise<boolean> {
  const { watched } = stage
  if (watched === undefined) return false
  const until = performance.now() + NOTICED_WITHIN_MS
  while (performance.now() < until) {
    const asked = await asAnotherRequest(stage, watched.tenantId, () =>
      watched.pool.query('select tenant_id from vault'),
    ).then(
      ({ rows }) => (rows.length === 1 ? 'answered' : 'open'),
      (error: unknown) => (codeOf(error) === 'PARTYWALL_PROTECTION_LOST' ? 'refused' : 'failed'),
    )
    if (asked === wanted) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}
