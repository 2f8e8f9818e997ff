/**
 * What DuckDB and the disk have to do, one thing after another, while the next rows are read. After a failure nothing more
 * is done, and whoever waits is told.
 */
export class LoadQueue {
  readonly #pending: Promise<void>[] = []
  #failed: { error: unknown } | undefined

  add(work: () => Promise<void> | void): void {
    const before = this.#pending.at(-1) ?? Promise.resolve()
    this.#pending.push(
      before.then(async () => {
        try {
          if (this.#failed === undefined) await work()
        } catch (error) {
          this.#failed = { error }
        } finally {
          this.#pending.shift()
        }
      }),
    )
  }

  /**
   * Waits while there is more to do than this.
   * @throws what went wrong so far.
   */
  async atMost(waiting: number): Promise<void> {
    while (this.#pending.length > waiting) await this.#pending[0]
    if (this.#failed !== undefined) throw this.#failed.error
  }

  /** Waits until nothing is left, after a failure elsewhere: what was read of it need not be read again. */
  async quiet(): Promise<void> {
    await this.#pending.at(-1)
  }
}
