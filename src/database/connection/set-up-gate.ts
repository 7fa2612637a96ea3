/** A promise that settles once, when a connection has been set up or its set-up has failed. */
export class SetUpGate {
  readonly passed: Promise<void>
  #open: () => void = () => {}
  #fail: (reason: unknown) => void = () => {}

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#fail = reject
    })
    // Code that waits gets the failure. If no code waits, the failure must not become an unhandled rejection.
    this.passed.catch(() => {})
  }

  open(): void {
    this.#open()
  }

  fail(reason: unknown): void {
    this.#fail(reason)
  }
}
