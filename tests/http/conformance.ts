import { describe } from 'vitest'
import type { Setting } from './application.ts'
import { admissionBehaviours } from './behaviours/admission.ts'
import { answerBehaviours } from './behaviours/answers.ts'
import { connectionBehaviours } from './behaviours/connections.ts'
import { guardBehaviours } from './behaviours/guards.ts'
import { limitBehaviours } from './behaviours/limits.ts'
import { suspensionBehaviours } from './behaviours/suspension.ts'

/** All behaviours that an adapter must show, on a real port and a real PostgreSQL. */
export function conformance(name: string, serve: (setting: Setting) => Promise<string>): void {
  describe(`${name}: admission`, () => admissionBehaviours(serve))
  describe(`${name}: answers`, () => answerBehaviours(serve))
  describe(`${name}: guard`, () => guardBehaviours(serve))
  describe(`${name}: connections`, () => connectionBehaviours(serve))
  describe(`${name}: limits`, () => limitBehaviours(serve))
  describe(`${name}: suspension`, () => suspensionBehaviours(serve))
}
