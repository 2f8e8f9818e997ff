import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string

/** Vitest's global set-up: whatever tests leave in the temporary folder lies in one of this run's own, and goes with it. */
export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), 'lead-engine-tests-'))
  process.env.TMPDIR = folder
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
