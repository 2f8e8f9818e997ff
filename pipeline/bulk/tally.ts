import type { StepContext, StepSummary } from '../step.ts'

const MB = 1_000_000

/** What has happened so far in the landing of a set. */
export class Tally {
  readonly counts: Record<string, number> = { read: 0, rejected: 0, nul_bytes: 0, duplicates: 0 }
  readonly failures: NonNullable<StepSummary['failures']> = []
  #bytes = 0
  #rows = 0
  readonly #context: Pick<StepContext, 'progress' | 'now'>
  readonly #total: number
  readonly #began: number
  /** Compressed bytes that were read before this run. */
  #known = 0

  constructor(context: Pick<StepContext, 'progress' | 'now'>, total: number) {
    this.#context = context
    this.#total = total
    this.#began = context.now().getTime()
  }

  count(name: string, by: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + by
  }

  add(counts: Readonly<Record<string, number>>): void {
    for (const [name, by] of Object.entries(counts)) this.count(name, by)
  }

  /** A file is read, or was before: its bytes in the zip, its rows. */
  done(bytes: number, rows: number, before: boolean): void {
    this.#bytes += bytes
    this.#rows += rows
    if (before) this.#known += bytes
  }

  /** Rows, bytes, rate and time left, of the file that is read and all before. */
  report(file: string, bytes: number, rows: number): void {
    const read = this.#bytes + bytes
    const seconds = (this.#context.now().getTime() - this.#began) / 1000
    const rate = seconds > 0 ? (read - this.#known) / seconds : 0
    const left = rate > 0 ? `, ${(rate / MB).toFixed(1)} MB/s, ${duration((this.#total - read) / rate)} left` : ''
    const size = `${megabytes(read)} of ${megabytes(this.#total)} MB`
    this.#context.progress(`${file}  ${grouped(this.#rows + rows)} rows, ${size}${left}`, read, this.#total)
  }
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

export function megabytes(bytes: number): string {
  return grouped(Math.round(bytes / MB))
}

function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}
