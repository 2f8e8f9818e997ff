import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeRoot } from '../../pipeline/code-root.ts'
import { Refusal } from '../problem.ts'
import type { AskTable } from './tables.ts'
import type { FromWorker, ToWorker } from './worker.ts'

export interface Question {
  /** Which publication it is about, and where that lies. */
  publication: string
  warehouse: string
  as_of: string
  tables: readonly AskTable[]
  sql: string
  /** At most so many. */
  rows: number
  /** Given up after so long, in milliseconds. */
  time: number
}

export type Answered = Extract<FromWorker, { kind: 'answer' }>

const MOST_WAITING = 8
const OPENING_MS = 120_000
const IDLE_MS = 120_000

/** Questions in SQL, answered one after another by a process of its own, which is ended when it takes too long. */
export class AskDesk {
  #child: ChildProcess | undefined
  #about = ''
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #idle: NodeJS.Timeout | undefined

  /** Throws a Refusal for what is no question, what takes too long, and when too many wait. */
  async ask(question: Question): Promise<Answered> {
    if (this.#waiting >= MOST_WAITING) throw new Refusal(429, 'too_many_questions', 'Others are asking: try again.')
    this.#waiting++
    const turn = this.#turn.then(() => this.#answer(question))
    this.#turn = turn.catch(() => {})
    return turn.finally(() => this.#waiting--)
  }

  close(): void {
    clearTimeout(this.#idle)
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    this.#about = ''
  }

  async #answer(question: Question): Promise<Answered> {
    clearTimeout(this.#idle)
    const { publication, warehouse, as_of, tables, sql, rows, time } = question
    if (this.#child === undefined || this.#about !== publication) {
      this.close()
      this.#child = start()
      this.#about = publication
      const ready = await this.#tell({ kind: 'open', warehouse, as_of, tables: [...tables] }, OPENING_MS)
      if (ready.kind !== 'ready') {
        this.close()
        throw new Refusal(503, 'not_ready', 'What is published could not be opened for questions.')
      }
    }
    const said = await this.#tell({ kind: 'ask', sql, rows }, time)
    this.#idle = setTimeout(() => this.close(), IDLE_MS)
    this.#idle.unref()
    if (said.kind === 'answer') return said
    throw new Refusal(422, 'refused_question', said.kind === 'refused' ? said.message : 'It cannot be answered.')
  }

  /** What it says to this; it is ended, and a Refusal thrown, when that takes longer or it dies over it. */
  #tell(message: ToWorker, time: number): Promise<FromWorker> {
    const child = this.#child!
    return new Promise((done, fail) => {
      const end = (refusal: Refusal) => {
        forget()
        this.close()
        fail(refusal)
      }
      const answered = (said: FromWorker) => {
        forget()
        done(said)
      }
      const died = () => end(new Refusal(422, 'refused_question', 'The answer needs more memory than there is for it.'))
      const late = () =>
        end(new Refusal(422, 'too_slow', `No answer within ${Math.round(time / 1000)} s: ask for less.`))
      const timer = setTimeout(late, time)
      const forget = () => {
        clearTimeout(timer)
        child.off('message', answered as never)
        child.off('exit', died)
      }
      child.once('message', answered as never)
      child.once('exit', died)
      child.send(message)
    })
  }
}

/** Without the environment, and with it without any secret; in a folder that is nobody's. */
function start(): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=512', join(codeRoot(), 'bin', 'pipeline.mjs'), 'answer-questions'],
    { cwd: tmpdir(), env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
  )
  child.on('error', () => {})
  child.unref()
  child.channel?.unref()
  return child
}
