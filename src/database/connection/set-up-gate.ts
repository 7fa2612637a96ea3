/** What waits until a connection has been set up: opened once, or failed once. */
export class SetUpGate {
  readonly passed: Promise<void>
  #open: () => void = () => {}
  #fail: (reason: unknown) => void = () => {}

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#fail = reject
    })
    // Whoever waits hears of a failure; where nobody does it is no unhandled rejection.
    this.passed.catch(() => {})
  }

  open(): void {
    this.#open()
  }

  fail(reason: unknown): void {
    this.#fail(reason)
  }
}
