import type { Partywall } from 'partywall'

/** A job in the queue: its data, and an envelope with the context of the request. */
export interface ReportJob {
  readonly id: string
  readonly payload: { readonly title: string }
  readonly envelope: string
}

const AUDIENCE = 'reports'

/** In a request: creates the job. The envelope carries the user's context. It is valid for an hour, and only for this job and payload. */
export async function makeReportJob(wall: Partywall, id: string, payload: ReportJob['payload']): Promise<ReportJob> {
  return {
    id,
    payload,
    envelope: await wall.exportContext({ audience: AUDIENCE, jobId: id, payload, expiresIn: '1h' }),
  }
}

/**
 * In the worker: runs the job in the context of the user who requested it. The data in the queue is not trusted: a changed payload, a
 * copied envelope, a suspended tenant or a user who has left is refused before anything is read.
 */
export function runReportJob(wall: Partywall, job: ReportJob): Promise<number> {
  const { id: jobId, payload } = job
  return wall.importContext(job.envelope, { audience: AUDIENCE, jobId, payload }, async () => {
    const { rows } = await wall.pool.query('select count(*)::int as n from documents where title = $1', [payload.title])
    return Number(rows[0]?.n)
  })
}
