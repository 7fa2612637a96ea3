/** Writes that wait in memory because they failed. The oldest is written first, and is dropped first if there are too many. */
export class BestEffortOutbox {
  readonly #waiting: (() => Promise<void>)[] = []
  readonly #limit: number
  readonly #onLoss: (lost: number) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #delayMs: number = FIRST_DELAY_MS
  #lost = 0

  /**
   * @param limit maximum number of writes that may wait
   * @param onLoss called for each loss, with the number of writes lost so far
   */
  constructor(limit: number, onLoss: (lost: number) => void) {
    this.#limit = limit
    this.#onLoss = onLoss
  }

  get size(): number {
    return this.#waiting.length
  }

  get lost(): number {
    return this.#lost
  }

  /** Keeps a write for later. */
  add(write: () => Promise<void>): void {
    if (this.#waiting.length >= this.#limit) {
      this.#waiting.shift()
      this.#lost++
      this.#onLoss(this.#lost)
    }
    this.#waiting.push(write)
    this.#schedule()
  }

  /** Tries all waiting writes in order, until one fails. */
  flush(): Promise<void> {
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  close(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #writeAll(): Promise<void> {
    for (let write = this.#waiting[0]; write !== undefined; write = this.#waiting[0]) {
      try {
        await write()
      } catch {
        this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS)
        this.#schedule()
        return
      }
      if (this.#waiting[0] === write) this.#waiting.shift()
      this.#delayMs = FIRST_DELAY_MS
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.flush().catch(() => {}) // never rejects: a failed write stays in the list
    }, this.#delayMs)
    this.#timer.unref()
  }
}

const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 30_000
