import { describe } from 'vitest'
import type { Setting } from './application.ts'
import { admissionBehaviours } from './behaviours/admission.ts'
import { answerBehaviours } from './behaviours/answers.ts'
import { blockedTenantBehaviours } from './behaviours/blocked-tenants.ts'
import { connectionBehaviours } from './behaviours/connections.ts'
import { guardBehaviours } from './behaviours/guards.ts'
import { limitBehaviours } from './behaviours/limits.ts'
import { serverInContextBehaviours } from './behaviours/server-in-context.ts'
import { suspensionBehaviours } from './behaviours/suspension.ts'

/** All behaviours that an adapter must show, on a real port and a real PostgreSQL. */
export function conformance(name: string, serve: (setting: Setting) => Promise<string>): void {
  describe(`${name}: admission`, () => admissionBehaviours(serve))
  describe(`${name}: answers`, () => answerBehaviours(serve))
  describe(`${name}: guard`, () => guardBehaviours(serve))
  describe(`${name}: connections`, () => connectionBehaviours(serve))
  describe(`${name}: limits`, () => limitBehaviours(serve))
  describe(`${name}: blocked tenants`, () => blockedTenantBehaviours(serve))
  describe(`${name}: a server in a context`, () => serverInContextBehaviours(serve))
  describe(`${name}: suspension`, () => suspensionBehaviours(serve))
}
