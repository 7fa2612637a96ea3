import type { Partywall } from 'partywall'

/** What stands in the queue: plain data, and who asked for it. */
export interface ReportJob {
  readonly id: string
  readonly payload: { readonly title: string }
  readonly envelope: string
}

const AUDIENCE = 'reports'

/** In a request: makes the job. The envelope says who asks; it opens for this job and this payload alone, for an hour. */
export async function makeReportJob(wall: Partywall, id: string, payload: ReportJob['payload']): Promise<ReportJob> {
  return {
    id,
    payload,
    envelope: await wall.exportContext({ audience: AUDIENCE, jobId: id, payload, expiresIn: '1h' }),
  }
}

/**
 * In the worker: runs the job as whoever asked for it, if they may still work now. What the job queue holds is believed in nothing:
 * a changed payload, a copied envelope, a suspended tenant or a user who left is refused before anything is read.
 */
export function runReportJob(wall: Partywall, job: ReportJob): Promise<number> {
  const { id: jobId, payload } = job
  return wall.importContext(job.envelope, { audience: AUDIENCE, jobId, payload }, async () => {
    const { rows } = await wall.pool.query('select count(*)::int as n from documents where title = $1', [payload.title])
    return Number(rows[0]?.n)
  })
}
