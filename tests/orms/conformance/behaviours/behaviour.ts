import type { Stage } from '../stage.ts'

/** What an ORM must do on the sealed pool, as a sentence, and how that is seen. */
export type Behaviours = Readonly<Record<string, (stage: Stage) => Promise<void>>>
