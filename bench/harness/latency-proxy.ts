import { connect, createServer, type Socket } from 'node:net'

/** A loopback proxy that delays each chunk by a fixed time in each direction, so that round trips cost what they cost in a real network. */
interface LatencyProxy {
  readonly port: number
  close(): Promise<void>
}

export async function startLatencyProxy(targetPort: number, oneWayMs: number): Promise<LatencyProxy> {
  const sockets = new Set<Socket>()
  const pipe = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), oneWayMs))
    from.on('close', () => setTimeout(() => to.destroy(), oneWayMs))
    from.on('error', () => to.destroy())
  }
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    pipe(near, far)
    pipe(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the proxy has no port')
  return {
    port: address.port,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
