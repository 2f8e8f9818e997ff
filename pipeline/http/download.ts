import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Interrupted, messageOf, RemoteError } from '../errors.ts'
import type { HttpDeps } from '../http.ts'
import { literalRedactor } from '../redact.ts'
import type { Journal } from './journal.ts'
import { Fault, openStream, type Streamed } from './network.ts'
import { NotAsked } from './refused.ts'
import { checkBaseUrl } from './request.ts'
import { retryAfterMs } from './retry.ts'

/** A host of files: a WebDAV share, a folder over HTTP. */
export interface FileHostOptions {
  /** Who is asked, as people know it. */
  service: string
  base_url: string
  /** Sent with every request; never logged. */
  headers?: Record<string, string>
  limits?: FileLimits
}

export interface FileLimits {
  /** Streams at once, while the host keeps up. 4 unless said. */
  streams?: number
  /** No byte for so long is a stall. 60 unless said. */
  stall_s?: number
  /** Tries in a row that bring nothing. 8 unless said. */
  tries?: number
  /** First pause of the back-off, which doubles up to two minutes. 1 unless said. */
  first_pause_s?: number
}

export interface FileHost {
  /** A small text: a listing. RemoteError after the retries, or at once for a status that will not change. */
  text(method: 'GET' | 'PROPFIND', path: string, headers?: Record<string, string>): Promise<string>
  /**
   * A file to disk. What came is kept in `<to>.part`, also by a run that is killed, and goes on from there while the file
   * on the host is the same one. `mark` tells which one it is; `size`, where known, is what it must come to.
   */
  fetch(path: string, to: string, file: { size?: number; mark: string }, came: (bytes: number) => void): Promise<void>
  /** Lets so many seconds pass. */
  wait(seconds: number): Promise<void>
  /** How many streams are allowed now, and how often the host stalled. */
  state(): { streams: number; stalls: number }
}

/** Throws NotAsked for a run in the past, which may not ask the present. */
export type FileHostFactory = (options: FileHostOptions) => FileHost

type Deps = Pick<HttpDeps, 'now' | 'sleep' | 'random' | 'signal' | 'replay' | 'as_of' | 'secrets'> & {
  /** Where each file that is fetched is written down as a call, free of charge. */
  journal?: Pick<Journal, 'write'>
}

/** Statuses that a new try may mend. */
const NOT_NOW = new Set([408, 423, 425, 429, 500, 502, 503, 504])
const STREAMS = 4
const STALL_S = 60
const TRIES = 8
const FIRST_PAUSE_S = 1
const LONGEST_PAUSE_MS = 120_000
/** Stalls after which half the streams are given up. */
const STALLS_TO_SLOW = 3
const LONGEST_TEXT = 32 * 1024 * 1024

/** Tells one that ended for a reason that a new try may mend. */
class Broken extends Error {
  constructor(
    message: string,
    readonly stalled: boolean,
    readonly wait_ms?: number,
  ) {
    super(message)
  }
}

export function createFileHosts(deps: Deps): FileHostFactory {
  return (options) => {
    checkBaseUrl({ service: options.service, base_url: options.base_url })
    const today = deps.now().toISOString().slice(0, 10)
    if (deps.replay || deps.as_of < today) {
      throw new NotAsked(
        `${options.service} is not asked as of ${deps.as_of}: it has only what is there today`,
        options.service,
      )
    }
    return createFileHost(options, deps)
  }
}

function createFileHost({ service, base_url, headers: own = {}, limits = {} }: FileHostOptions, deps: Deps): FileHost {
  const { streams = STREAMS, stall_s = STALL_S, tries = TRIES, first_pause_s = FIRST_PAUSE_S } = limits
  const mask = literalRedactor([
    ...(deps.secrets ?? []),
    ...Object.values(own).map((value) => value.replace(/^\w+ /, '')),
  ])
  const permits = createPermits(streams)
  let stalls = 0

  const urlOf = (path: string) => {
    const url = new URL(base_url)
    const inside = path
      .split('/')
      .filter((part) => part !== '')
      .map(encodeURIComponent)
      .join('/')
    const below = inside === '' ? '' : `/${inside}`
    url.pathname = `${url.pathname.replace(/\/$/, '')}${below}${path === '' || path.endsWith('/') ? '/' : ''}`
    return url
  }

  async function open(method: string, path: string, headers: Record<string, string>): Promise<Streamed> {
    const options = { idle_ms: stall_s * 1000, signal: deps.signal }
    return openStream(urlOf(path), { method, headers: { ...own, ...headers } }, options)
  }

  /** Tries until it is done, or until so many tries in a row brought nothing. Every try holds a permit. */
  async function trying<T>(path: string, attempt: () => Promise<T>, progress: () => number): Promise<T> {
    let idle = 0
    for (;;) {
      const before = progress()
      try {
        return await permits.run(attempt)
      } catch (error) {
        if (deps.signal.aborted) throw new Interrupted('interrupted; what came is kept', { cause: error })
        const broken = brokenBy(error)
        if (broken === undefined) throw error
        if (broken.stalled && ++stalls % STALLS_TO_SLOW === 0) permits.halve()
        idle = progress() > before ? 0 : idle + 1
        if (idle >= tries) {
          throw new RemoteError(mask(`${path}: ${broken.message}; ${tries} tries in a row brought nothing`), service)
        }
        const pause = Math.min(LONGEST_PAUSE_MS, first_pause_s * 1000 * 2 ** idle) * (0.5 + deps.random() / 2)
        await deps.sleep(Math.min(LONGEST_PAUSE_MS, broken.wait_ms ?? Math.round(pause)), deps.signal).catch(() => {
          throw new Interrupted('interrupted; what came is kept')
        })
      }
    }
  }

  function refuse(path: string, status: number, headers: Record<string, string>): never {
    if (NOT_NOW.has(status)) throw new Broken(`answers ${status}`, false, retryAfterMs(headers, deps.now()))
    const why = status === 401 || status === 403 ? ': is the token still the right one?' : ''
    throw new RemoteError(mask(`${path} answers ${status}${why}`), service, { status })
  }

  async function text(method: string, path: string, headers: Record<string, string> = {}): Promise<string> {
    const attempt = async () => {
      const answer = await open(method, path, headers)
      try {
        if (answer.status < 200 || answer.status > 299) refuse(path || '/', answer.status, answer.headers)
        const pieces: Buffer[] = []
        let size = 0
        for await (const piece of answer.body) {
          size += piece.length
          if (size > LONGEST_TEXT) throw new RemoteError(`${path} is no listing: it is larger than 32 MB`, service)
          pieces.push(piece)
        }
        return Buffer.concat(pieces).toString('utf8')
      } finally {
        answer.close()
      }
    }
    return trying(path, attempt, () => 0)
  }

  async function fetch(path: string, to: string, file: { size?: number; mark: string }, came: (bytes: number) => void) {
    if (existsSync(to) && (file.size === undefined || statSync(to).size === file.size)) {
      came(statSync(to).size)
      return
    }
    mkdirSync(dirname(to), { recursive: true })
    const part = new Part(to, file.mark)
    let told = part.size
    came(told)
    const tell = () => {
      came(part.size - told)
      told = part.size
    }
    const requested_at = deps.now().toISOString()
    const bring = () => piece(path, part, file.size, tell)
    try {
      await trying(path, bring, () => part.best)
      part.finish()
    } catch (error) {
      if (!deps.signal.aborted) await log(path, file.mark, requested_at, statusOf(error))
      throw error
    }
    await log(path, file.mark, requested_at, 200)
  }

  /** One row a file, however many exchanges it took. `status`: absent if the host did not answer to the end. */
  async function log(path: string, mark: string, requested_at: string, status: number | undefined): Promise<void> {
    const answer = status && { status, headers: {}, text: '', fetched_at: deps.now().toISOString() }
    await deps.journal?.write({
      service,
      endpoint: mask(path),
      request_hash: createHash('sha256').update([service, path, mark].join('\u001f')).digest('hex'),
      field: undefined,
      company_id: undefined,
      lead_id: undefined,
      credits: 0,
      usd: 0,
      requested_at,
      hit: status === 200,
      answer: answer || undefined,
      record: false,
    })
  }

  /** One exchange: as much of the file as it brings. Throws Broken when that is not all. */
  async function piece(path: string, part: Part, size: number | undefined, tell: () => void): Promise<void> {
    if (size !== undefined && part.size === size && size > 0) return
    if (size !== undefined && part.size > size) part.restart()
    const from = part.size
    const range: Record<string, string> =
      from === 0 ? {} : { range: `bytes=${from}-`, ...(part.validator && { 'if-range': part.validator }) }
    const answer = await open('GET', path, range)
    try {
      const { status, headers } = answer
      if (status === 416) {
        const whole = Number(/\*\/(\d+)/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN)
        if (whole === from && (size === undefined || size === whole)) return
        part.restart()
        tell()
        throw new Broken(`has ${whole} bytes, not the ${from} that came`, false)
      }
      if (status !== 200 && status !== 206) refuse(path, status, headers)
      if (status === 200 && from > 0) part.restart()
      const [, start, total] = /bytes (\d+)-\d+\/(\d+)/.exec(headers['content-range'] ?? '') ?? []
      if (status === 206 && Number(start) !== from) {
        part.restart()
        tell()
        throw new Broken(`gave bytes from ${start} where ${from} was asked for`, false)
      }
      const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
      const wanted = total !== undefined ? Number(total) : length
      if (size !== undefined && wanted !== undefined && wanted !== size) {
        throw new RemoteError(
          mask(`${path} has ${wanted} bytes where the listing says ${size}: it is still growing`),
          service,
        )
      }
      part.remember(headers)
      for await (const bytes of answer.body) {
        part.write(bytes)
        tell()
      }
      const end = size ?? wanted
      if (end !== undefined && part.size < end) throw new Broken(`ended after ${part.size} of ${end} bytes`, false)
      if (end !== undefined && part.size > end) {
        part.restart()
        tell()
        throw new Broken(`went on beyond ${end} bytes`, false)
      }
    } finally {
      part.close()
      answer.close()
    }
  }

  const wait = (seconds: number) =>
    deps.sleep(seconds * 1000, deps.signal).catch(() => {
      throw new Interrupted('interrupted; what came is kept')
    })

  return { text, fetch, wait, state: () => ({ streams: permits.limit(), stalls }) }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RemoteError ? error.details.status : undefined
}

/** What a broken exchange means; undefined for what a new try does not mend. */
function brokenBy(error: unknown): Broken | undefined {
  if (error instanceof Broken) return error
  if (!(error instanceof Fault)) return undefined
  const stalled = /TIMEOUT/.test(messageOf(error)) && error.sent
  return new Broken(stalled ? 'stalled' : messageOf(error), stalled)
}

/** What has come of a file, and of which version of it. */
class Part {
  /** The most that ever was there: a host that always begins anew brings nothing. */
  best = 0
  size: number
  validator: string | undefined
  readonly #to: string
  readonly #mark: string
  #file: number | undefined

  constructor(to: string, mark: string) {
    this.#to = to
    this.#mark = mark
    this.size = existsSync(this.#part) ? statSync(this.#part).size : 0
    const known = existsSync(this.#about)
      ? (JSON.parse(readFileSync(this.#about, 'utf8')) as { mark: string; validator?: string })
      : undefined
    if (known?.mark !== mark) this.restart()
    else this.validator = known.validator
  }

  get #part(): string {
    return `${this.#to}.part`
  }

  get #about(): string {
    return `${this.#to}.part.json`
  }

  /** ETag or date of what is coming: a weak ETag cannot promise equal bytes. */
  remember({ etag, 'last-modified': modified }: Record<string, string>): void {
    this.validator = etag !== undefined && !etag.startsWith('W/') ? etag : modified
    writeFileSync(`${this.#about}.new`, JSON.stringify({ mark: this.#mark, validator: this.validator }))
    renameSync(`${this.#about}.new`, this.#about)
  }

  write(bytes: Buffer): void {
    this.#file ??= openSync(this.#part, 'a')
    let written = 0
    while (written < bytes.length) written += writeSync(this.#file, bytes, written)
    this.size += bytes.length
    this.best = Math.max(this.best, this.size)
  }

  restart(): void {
    this.close()
    if (existsSync(this.#part)) truncateSync(this.#part)
    this.size = 0
    this.validator = undefined
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  finish(): void {
    const file = openSync(this.#part, 'a')
    fsyncSync(file)
    closeSync(file)
    renameSync(this.#part, this.#to)
    rmSync(this.#about, { force: true })
  }
}

/** So many at once, and fewer for the rest of the run when the host does not keep up. */
function createPermits(most: number) {
  let limit = most
  let running = 0
  const queue: (() => void)[] = []
  const next = () => {
    while (running < limit && queue.length > 0) {
      running++
      queue.shift()!()
    }
  }
  return {
    limit: () => limit,
    halve() {
      limit = Math.max(1, Math.floor(limit / 2))
    },
    async run<T>(work: () => Promise<T>): Promise<T> {
      await new Promise<void>((resolve) => {
        queue.push(resolve)
        next()
      })
      try {
        return await work()
      } finally {
        running--
        next()
      }
    },
  }
}
