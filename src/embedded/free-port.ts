import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * The range from which a port is chosen. Operating systems do not use it for sockets that ask for any port (RFC 6335, section 6, and Linux’
 * ip_local_port_range), so another program rarely takes the port before the server binds it. Redis Cluster also needs the port 10,000
 * above.
 */
const FIRST = 10_240
const END = 32_768

/** A loopback port that is free now. Another program may take the port before the server binds it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
