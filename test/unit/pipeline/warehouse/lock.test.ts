import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LedgerHeld } from '../../../../pipeline/errors.ts'
import { acquireLock, lockHolder } from '../../../../pipeline/warehouse/lock.ts'

const now = new Date('2026-01-31T10:00:00Z')
const ledger = () => join(mkdtempSync(join(tmpdir(), 'lead-engine-lock-')), 'data', 'ledger.duckdb')

function heldBy(path: string, holder: object): void {
  acquireLock(path, 'setup', now).release()
  writeFileSync(
    `${path}.lock`,
    JSON.stringify({
      pid: process.pid,
      started: null,
      host: hostname(),
      command: 'pipeline run',
      since: now.toISOString(),
      ...holder,
    }),
  )
}

describe('the lock', () => {
  it('has one holder, and says who and since when', () => {
    const path = ledger()
    const lock = acquireLock(path, 'pipeline run', now)
    expect(() => acquireLock(path, 'pipeline send', now)).toThrow(LedgerHeld)
    expect(() => acquireLock(path, 'pipeline send', now)).toThrow(
      `held by 'pipeline run' (pid ${process.pid} on ${hostname()}) since 2026-01-31T10:00:00.000Z`,
    )
    expect(lockHolder(path)).toMatchObject({ command: 'pipeline run', pid: process.pid })
    lock.release()
    expect(lockHolder(path)).toBeUndefined()
    acquireLock(path, 'pipeline send', now).release()
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  it('is taken over from the dead', () => {
    const path = ledger()
    heldBy(path, { pid: 2 ** 22 + 1 })
    expect(lockHolder(path)).toBeUndefined()
    acquireLock(path, 'pipeline run', now).release()
  })

  it('is taken over from a pid that now belongs to someone else', () => {
    const path = ledger()
    heldBy(path, { started: '1' })
    acquireLock(path, 'pipeline run', now).release()
  })

  it('is taken over when it is torn', () => {
    const path = ledger()
    heldBy(path, {})
    writeFileSync(`${path}.lock`, '{"pid":')
    acquireLock(path, 'pipeline run', now).release()
  })

  it('of another machine is respected: nothing here can tell whether that process lives', () => {
    const path = ledger()
    heldBy(path, { host: 'elsewhere', pid: 2 ** 22 + 1 })
    expect(() => acquireLock(path, 'pipeline run', now)).toThrow('on elsewhere')
  })

  it('a release leaves another holder alone', () => {
    const path = ledger()
    const lock = acquireLock(path, 'pipeline run', now)
    writeFileSync(
      `${path}.lock`,
      JSON.stringify({
        pid: process.pid,
        started: 'x',
        host: hostname(),
        command: 'another',
        since: now.toISOString(),
      }),
    )
    lock.release()
    expect(readFileSync(`${path}.lock`, 'utf8')).toContain('another')
  })
})
