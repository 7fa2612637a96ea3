import { connect, createServer, type Socket } from 'node:net'
import type { Random } from './random.ts'

/** A fault of the network on a connection. */
export type NetworkFault = 'cut' | 'delay' | 'split' | 'black-hole'

interface Link {
  readonly near: Socket
  readonly far: Socket
  fault: NetworkFault | undefined
}

/** A loopback proxy between the pool and PostgreSQL that injects network faults into its connections. */
export class FaultProxy {
  readonly #links = new Set<Link>()
  readonly #server = createServer((near) => this.#accept(near))
  readonly #targetPort: number
  port = 0

  constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (address === null || typeof address !== 'object') throw new Error('the proxy has no port')
    this.port = address.port
  }

  /** Injects the fault into one open connection. @returns false if there is none */
  strike(fault: NetworkFault, random: Random): boolean {
    const links = [...this.#links].filter((link) => link.fault === undefined)
    if (links.length === 0) return false
    const link = random.pick(links)
    link.fault = fault
    if (fault === 'cut') {
      link.near.destroy()
      link.far.destroy()
    }
    // Delay and split end after their time. A black hole lasts until the pool closes the connection.
    if (fault === 'delay' || fault === 'split') {
      setTimeout(() => {
        link.fault = undefined
      }, 30).unref()
    }
    return true
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#links) {
      near.destroy()
      far.destroy()
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(near: Socket): void {
    const far = connect(this.#targetPort, '127.0.0.1')
    const link: Link = { near, far, fault: undefined }
    this.#links.add(link)
    for (const socket of [near, far]) socket.setNoDelay(true)
    this.#pipe(link, near, far)
    this.#pipe(link, far, near)
  }

  #pipe(link: Link, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (link.fault === 'black-hole') return
      if (link.fault === 'split') {
        // Split after one byte, so that packet boundaries differ from message boundaries.
        const at = Math.min(chunk.length, 1 + (chunk.length >> 1))
        to.write(chunk.subarray(0, at))
        // Hold later data of a pipelined connection back, so that it can't overtake the delayed data.
        from.pause()
        setImmediate(() => {
          to.write(chunk.subarray(at))
          from.resume()
        })
      } else if (link.fault === 'delay') {
        from.pause()
        setTimeout(() => {
          to.write(chunk)
          from.resume()
        }, 10)
      } else to.write(chunk)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#links.delete(link)
      to.destroy()
    })
  }
}
