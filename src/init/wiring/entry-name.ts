import { ENTRY_URL } from '../writers/names.ts'
import { CLIENT_CLASS } from './prisma-service.ts'
import type { WireTask } from './wire-task.ts'

/** The connection for code that runs before the tenant is known, in place of the library's usual connection. */
export function entryName({ files, project: { orm, framework }, wallPath }: WireTask): string {
  switch (orm) {
    case 'prisma': {
      const [service] = files
        .find(/\.[cm]?[jt]s$/)
        .flatMap((path) => CLIENT_CLASS.exec(files.read(path) ?? '')?.[1] ?? [])
      return service === undefined ? 'entryPrisma' : `Entry${service}`
    }
    case 'drizzle':
      return 'entryDb'
    case 'typeorm':
      if (framework === 'nest') return "the data source 'entry'"
      break
    case 'pg':
    case 'kysely':
      return `entryPool of ${wallPath}`
  }
  return `entryPool of ${wallPath}, or a second instance of ${orm} on ${ENTRY_URL},`
}
