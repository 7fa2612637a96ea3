import type pg from 'pg'
import { internalsOfClient, PgConnectionClass } from '../wire/pg-internals.ts'

const CANCEL_TIMEOUT_MS = 5_000

/**
 * Asks the server, over a separate connection, to cancel the running statement of a client's backend.
 *
 * A CancelRequest names a backend and not a query. It has been delivered only when the server has closed the connection that
 * brought it; until then it could hit the next query.
 *
 * @returns true when the server has closed that connection; false if it is unknown whether the request was delivered
 */
export function sendCancelRequest(client: pg.ClientBase): Promise<boolean> {
  const { processID, secretKey, connectionParameters } = internalsOfClient(client)
  if (processID === null || secretKey === null) return Promise.resolve(false)
  const { host, port, ssl } = connectionParameters
  const connection = new PgConnectionClass({ ssl })
  return new Promise((resolve) => {
    let sent = false
    const send = () => {
      sent = true
      connection.cancel(processID, secretKey)
    }
    const timer = setTimeout(() => {
      sent = false
      connection.stream.destroy()
    }, CANCEL_TIMEOUT_MS)
    timer.unref()
    connection.on('connect', () => (ssl ? connection.requestSsl() : send()))
    connection.on('sslconnect', send)
    connection.on('error', () => {
      sent = false
    })
    connection.on('end', () => {
      clearTimeout(timer)
      resolve(sent)
    })
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}
