import type { ProjectFiles } from '../project-files.ts'

/** A file whose code runs without a request, and so without a tenant. */
interface JobFile {
  readonly path: string
  /** What runs it, such as `node-cron`. */
  readonly by: string
}

/**
 * A library, a pattern of its import, and a pattern of code that runs work with it. Code that only adds work to a queue does not match,
 * because it runs in a request.
 */
const RUNNERS: readonly (readonly [string, RegExp, RegExp])[] = [
  [
    'node-cron',
    /['"](?:node-cron|cron|croner|node-schedule)['"]/,
    /\bschedule(?:Job)?\s*\(|new (?:\w+\.)?Cron(?:Job)?\s*\(|CronJob\.from\s*\(/,
  ],
  ['@nestjs/schedule', /['"]@nestjs\/schedule['"]/, /@(?:Cron|Interval|Timeout)\s*\(/],
  [
    'bullmq',
    /['"](?:bullmq|@nestjs\/bullmq)['"]/,
    /new (?:\w+\.)?Worker\s?(?:<[^(>]{0,200}>{1,4})?\(|@Processor\s*\(|extends WorkerHost\b/,
  ],
  ['bull', /['"](?:bull|@nestjs\/bull|bee-queue)['"]/, /\.process\s*\(|@Process(?:or)?\s*\(/],
  ['agenda', /['"](?:agenda|@hokify\/agenda)['"]/, /\.define\s*\(/],
  ['pg-boss', /['"]pg-boss['"]/, /\.work\s*\(/],
  ['graphile-worker', /['"]graphile-worker['"]/, /\brun(?:Once)?\s*\(|\btaskList\b/],
  ['bree', /['"]bree['"]/, /new Bree\s*\(/],
  [
    'a timer',
    /\bsetInterval\s*\(/,
    /\bsetInterval\s*\([\s\S]{0,400}(?:query|findMany|prisma|repository|pool|knex|\bdb\b)/i,
  ],
]

/** Files that run work by a clock or from a queue. Their names are enough for a person to look at them. */
export function findJobs(files: ProjectFiles): readonly JobFile[] {
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|e2e|seeds?|migrations?)\/|\.(?:test|spec|config|d)\./.test(path))
    .flatMap((path): readonly JobFile[] => {
      const text = files.read(path) ?? ''
      const found = RUNNERS.find(([, library, runs]) => library.test(text) && runs.test(text))
      return found === undefined ? [] : [{ path, by: found[0] }]
    })
}
