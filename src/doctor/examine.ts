import { examineClock } from './clock.ts'
import { examineDatabase } from './database.ts'
import type { DoctorLine, DoctorSettings } from './doctor-line.ts'
import { examineIdentityProvider } from './identity-provider.ts'
import { examinePooler } from './pooler.ts'
import { examineProject } from './project.ts'
import { examineRedis } from './redis.ts'

/**
 * Looks at everything that an application with partywall needs, and changes nothing.
 *
 * A part that can't be reached becomes an error line, and the other parts are still looked at.
 */
export async function examine(settings: DoctorSettings): Promise<readonly DoctorLine[]> {
  const parts = [examineProject, examineDatabase, examineClock, examinePooler, examineIdentityProvider, examineRedis]
  const lines = await Promise.all(parts.map((part) => part(settings)))
  return lines.flat()
}
