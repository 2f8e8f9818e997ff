import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawFaults, NO_FAULTS, numbers } from '../../fakes/faults.ts'
import { ownApplies } from './judge.ts'
import { VENDORS, type Vendor } from './vendors.ts'
import type { Work } from './worker.ts'

/** What a worker said, or that it was killed. */
export type Said =
  | { killed: true }
  | {
      killed: false
      code: number
      counts: Record<string, number> & { seconds: { pull: number; sync: number } }
      text: string
    }

/** By what the vendor's journal says, so that it strikes at work however slow the machine is: with the nth request, and so long after. */
export interface Death {
  nth: number
  ms: number
}

export interface Bench {
  root: string
  vendor: Vendor
  /** A process of its own. */
  run(work: Partial<Work>, death?: Death): Promise<Said>
  close(): Promise<void>
}

const LOOK_MS = 2
const requestsOf = (vendor: Vendor) => vendor.journal().entries().length
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export async function openBench(name: string, worker: string): Promise<Bench> {
  const root = mkdtempSync(join(tmpdir(), 'crm-bars-'))
  const vendor = await VENDORS[name]!({ folder: root })
  return {
    root,
    vendor,
    run(change, death) {
      const { settings, mappings } = vendor
      const work: Work = { root, crm: name, settings, mappings, companies: 100, ...change }
      const asked = requestsOf(vendor)
      return new Promise((resolve) => {
        const child = spawn(process.execPath, [worker, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'pipe'] })
        let [out, err] = ['', '']
        child.stdout.on('data', (data) => (out += String(data)))
        child.stderr.on('data', (data) => (err += String(data)))
        let reached: number | undefined
        const look = setInterval(() => {
          if (death === undefined) return
          if (requestsOf(vendor) >= asked + death.nth) reached ??= performance.now()
          if (reached !== undefined && performance.now() - reached >= death.ms) child.kill('SIGKILL')
        }, LOOK_MS)
        child.on('close', (code, signal) => {
          clearInterval(look)
          if (signal === 'SIGKILL') return resolve({ killed: true })
          const counts = out.startsWith('{') ? (JSON.parse(out) as Record<string, number>) : {}
          resolve({ killed: false, code: code ?? 1, counts: counts as never, text: `${out}${err}` })
        })
      })
    },
    async close() {
      await vendor.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const KINDS = ['reset before', 'reset after', 'truncated', '502 after', '500', '503']

export interface Torment {
  companies: number
  kills: number
  seed: number
  share: number
  /** A process dies with one of its first so many requests and writes, the early ones being likelier. */
  within: number
  /** Every so manyth time it is the vendor that dies under it, and comes back with what it had written down. */
  restart_each?: number
}

/** Killed again and again under faulty answers, then left in peace until it has nothing to do. */
export async function torment(bench: Bench, { companies, kills, seed, share, within, restart_each }: Torment) {
  const draw = numbers(seed)
  const { vendor } = bench
  const faults = drawFaults({ seed, share, kinds: KINDS })
  vendor.faults(faults)
  const told = { kills: 0, runs: 0, restarts: 0, resume_s: 0, written_before_peace: 0 }
  // As soon as all is there, some of it changes: there is always something to be killed in.
  let changed = 0
  let reach = within
  for (let tries = 0; told.kills < kills && tries < kills * 3; tries++) {
    const [started, seen] = [Date.now(), vendor.journal().entries().length]
    const death: Death = { nth: Math.ceil(reach ** draw()), ms: draw() * 30 }
    const dies = restart_each !== undefined && tries % restart_each === restart_each - 1
    const running = bench.run({ companies, changed }, dies ? undefined : death)
    if (dies) {
      const over = running.then(() => true)
      while (requestsOf(vendor) < seen + death.nth && !(await Promise.race([over, pause(LOOK_MS)])));
      await pause(death.ms)
      await vendor.restart(() => pause(100 + draw() * 300))
      vendor.faults(faults)
      told.restarts++
    }
    const said = await running
    told.runs++
    if (said.killed) told.kills++
    else {
      reach = Math.max(8, requestsOf(vendor) - seen)
      if (said.code === 0 && isDone(said.counts)) changed = Math.min(companies, changed + Math.ceil(companies / 10))
    }
    const first = vendor
      .journal()
      .entries()
      .slice(seen)
      .find(({ kind }) => kind === 'apply')
    if (first !== undefined) told.resume_s = Math.max(told.resume_s, (first.at - started) / 1000)
  }
  const requests = vendor.journal().requests()
  told.written_before_peace = ownApplies(vendor.journal()).length
  vendor.faults(NO_FAULTS)
  let last: Said = { killed: true }
  for (let peace = 0; peace < 4; peace++) {
    last = await bench.run({ companies, changed })
    told.runs++
    if (!last.killed && last.code === 0 && isDone(last.counts)) break
  }
  const faulty = requests.filter(({ fault }) => fault !== null).length
  return { ...told, changed, last, requests: requests.length, faults: faulty }
}

function isDone({ create, update, linked }: Record<string, unknown>): boolean {
  return create === 0 && update === 0 && linked === 0
}
