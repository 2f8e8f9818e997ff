import { type CrmRow, cut, type Link, type Outcome, RemoteError, writeInCuts } from '../../define.ts'
import { type Input, MOST, writeBatch } from './batches.ts'
import type { Client } from './client.ts'
import { associationTypes, defaultsOf, MARKED } from './objects.ts'
import type { Reader } from './read.ts'
import { toWire, withMark } from './values.ts'
import { traceOf, type Writer } from './write.ts'

const TRIES = 3

/**
 * Notes, tasks, messages: nothing unique holds our id, so that a call that broke off must not simply be made again. What it
 * was to make is looked for by our mark among what its parents hang on; only what is not there is made.
 */
export function createActivities(client: Client, reader: Reader, writer: Writer, now: () => Date): Writer['upsert'] {
  return async (object, rows) => {
    const made = rows.filter(({ crm_id }) => crm_id === null)
    const known = rows.filter(({ crm_id }) => crm_id !== null)
    const outcomes = new Map<CrmRow, Outcome>()
    for (const some of cut(made, MOST)) {
      for (const [index, outcome] of (await make(object, some)).entries()) outcomes.set(some[index]!, outcome)
    }
    const changed = await change(object, known)
    for (const [index, outcome] of changed.entries()) outcomes.set(known[index]!, outcome)
    return rows.map((row) => outcomes.get(row)!)
  }

  async function make(object: string, rows: readonly CrmRow[]): Promise<Outcome[]> {
    const outcomes = new Map<CrmRow, Outcome>()
    let left = rows
    for (let tries = 1; left.length > 0; tries++) {
      try {
        const answers = await writeBatch(client, object, 'create', left.map(inputOf))
        for (const [index, outcome] of answers.entries()) outcomes.set(left[index]!, outcome)
      } catch (error) {
        if (!isInDoubt(error)) throw error
        for (const row of left) outcomes.set(row, { status: 'unknown', crm_id: null, message: error.message })
      }
      const doubtful = left.filter((row) => outcomes.get(row)!.status === 'unknown')
      if (doubtful.length === 0) break
      const found = await reader.find(object, doubtful.map(wantedOf))
      for (const [index, [record]] of found.entries()) {
        if (record !== undefined) outcomes.set(doubtful[index]!, { status: 'done', crm_id: record.crm_id })
      }
      left = doubtful.filter((row) => outcomes.get(row)!.status === 'unknown')
      if (tries === TRIES) break
    }
    return rows.map((row) => outcomes.get(row)!)

    function inputOf(row: CrmRow): Input {
      const marked = MARKED[object]!
      const defaults = { [marked]: withMark('', row.record_id), ...defaultsOf(object, now()) }
      const associations = row.links.map(({ object: to, crm_id: id }) => ({
        to: { id },
        types: associationTypes(object, to),
      }))
      return { objectWriteTraceId: traceOf(row), properties: { ...defaults, ...toWire(object, row) }, associations }
    }
  }

  async function change(object: string, rows: readonly CrmRow[]): Promise<Outcome[]> {
    const outcomes = await writeInCuts(rows, MOST, (some) =>
      writeBatch(
        client,
        object,
        'update',
        some.map((row) => ({ id: row.crm_id!, objectWriteTraceId: traceOf(row), properties: toWire(object, row) })),
      ),
    )
    for (const [to, pairs] of linksBy(rows)) await writer.link(object, to, pairs)
    return outcomes
  }
}

function wantedOf({ record_id, links }: CrmRow) {
  return { record_id, links, email: null, domain: null, cnpj: null }
}

/** New links of what is there already. */
function linksBy(rows: readonly CrmRow[]): Map<string, { from_id: string; to_id: string }[]> {
  const by = new Map<string, { from_id: string; to_id: string }[]>()
  for (const { crm_id, links } of rows) {
    for (const link of links satisfies readonly Link[]) {
      by.set(link.object, [...(by.get(link.object) ?? []), { from_id: crm_id!, to_id: link.crm_id }])
    }
  }
  return by
}

/** It may have been done. */
function isInDoubt(error: unknown): error is RemoteError {
  return error instanceof RemoteError && ['broken', 'later', 'unreadable'].includes(error.reason ?? '')
}
