import type { RequestListener } from 'node:http'
import type { TestKitEnv } from 'partywall/testing'

declare global {
  function createApp(env: TestKitEnv): RequestListener
}
