import { messageOf } from '../pipeline/errors.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { compileGiven } from '../scoring/given.ts'
import type { Scoring } from '../scoring/layers.ts'
import { Refusal } from './problem.ts'
import type { Publications, Snapshot } from './publications.ts'

export type Facts = Record<string, unknown>
export type Scored = Record<string, unknown>

interface Asked {
  facts: readonly Facts[]
  done(rows: Scored[]): void
  fail(error: unknown): void
}

const MOST = 1_000

/** Scores what is given by the SELECT that a run scores with. Who asks while it works is answered together with the next. */
export class ScoreDesk {
  readonly #publications: Publications
  readonly #load: () => Promise<Scoring>
  #scoring: Promise<Scoring> | undefined
  #waiting: Asked[] = []
  #working = false

  constructor(publications: Publications, load: () => Promise<Scoring>) {
    this.#publications = publications
    this.#load = load
  }

  /** One row per lead, in the order given. Throws a Refusal for what is no fact. */
  score(facts: readonly Facts[]): Promise<Scored[]> {
    return new Promise((done, fail) => {
      this.#waiting.push({ facts, done, fail })
      if (!this.#working) void this.#work()
    })
  }

  /** The cards as they are now. */
  scoring(): Promise<Scoring> {
    return this.#cards()
  }

  /** The facts that may be given, with their types. */
  types(snapshot: Snapshot): Promise<Record<string, string>> {
    return snapshot.memo('fact_types', typesIn)
  }

  /** Best first. */
  async tiers(): Promise<string[]> {
    const { policy } = await (this.#scoring ?? this.#cards())
    return policy.qualification.tiers.map(({ tier }) => tier)
  }

  async #work(): Promise<void> {
    this.#working = true
    // Whoever asks in this very moment comes along.
    await new Promise((next) => setImmediate(next))
    while (this.#waiting.length > 0) {
      const together = this.#take()
      try {
        await this.#answer(together)
      } catch (error) {
        if (together.length === 1) together[0]!.fail(error)
        // One of them is at fault; each alone says which.
        else for (const one of together) await this.#answer([one]).catch((own) => one.fail(own))
      }
    }
    this.#working = false
  }

  #take(): Asked[] {
    let leads = 0
    const count = this.#waiting.findIndex(({ facts }, index) => {
      leads += facts.length
      return leads > MOST && index > 0
    })
    return this.#waiting.splice(0, count < 0 ? this.#waiting.length : count)
  }

  async #answer(together: readonly Asked[]): Promise<void> {
    const facts = together.flatMap((asked) => asked.facts)
    const rows = await this.#publications.read((snapshot) => this.#run(snapshot, facts))
    let from = 0
    for (const { facts: own, done } of together) {
      done(rows.slice(from, from + own.length))
      from += own.length
    }
  }

  async #run(snapshot: Snapshot, facts: readonly Facts[]): Promise<Scored[]> {
    const types = await this.types(snapshot)
    const lane = await snapshot.memo('score', async (connection) => {
      const scoring = await this.#cards()
      await connection.run(`prepare score_given as ${compileGiven(scoring, types, '$1::varchar')}`)
      return { connection }
    })
    const complete = facts.map((given, index) => {
      const unknown = Object.keys(given).filter((name) => types[name] === undefined)
      if (unknown.length > 0) {
        const errors = unknown.map((name) => ({ path: `leads.${index}.${name}`, message: 'is no fact' }))
        throw new Refusal(422, 'unknown_fact', 'GET /v1/score names the facts there are.', { errors })
      }
      return Object.fromEntries(
        Object.keys(types).map((name) => [name, name === 'lead_id' ? String(index) : (given[name] ?? null)]),
      )
    })
    const rows = await execute(lane.connection, complete)
    const byId = new Map(rows.map((row) => [Number(row.lead_id), row]))
    return facts.map((given, index) => {
      const { deal_brief: _, brief_evidence: _2, would_raise: _3, owner: _4, ...told } = byId.get(index)!
      return { ...told, lead_id: given.lead_id ?? null }
    })
  }

  #cards(): Promise<Scoring> {
    const before = this.#scoring
    this.#scoring = this.#load().catch((error: unknown) => {
      // Broken while somebody edits it: what was read before still stands.
      this.#scoring = before
      if (before !== undefined) return before
      throw error
    })
    return this.#scoring
  }
}

async function typesIn(connection: Connection): Promise<Record<string, string>> {
  const columns = await connection.describe('select * from ops.lead_facts')
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]))
}

/** A prepared statement takes its values as text of its own call: in quotes, as a literal. */
async function execute(connection: Connection, facts: readonly Facts[]): Promise<Scored[]> {
  try {
    return await connection.rows<Scored>(`execute score_given(${quoteLiteral(JSON.stringify(facts))})`)
  } catch (error) {
    const said = messageOf(error)
    if (!/conver|cast|json|parse/i.test(said)) throw error
    throw new Refusal(422, 'wrong_type', 'A fact has a value of another type: GET /v1/score says which it wants.')
  }
}
