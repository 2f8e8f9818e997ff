/** Both ends belong to it. */
export interface Range {
  min: number
  max: number
}

/** Stands for a range that has no ends: of people employed, of USD in thousands. */
export const WIDEST: Range = { min: 1, max: 10_000_000 }

/** A page of a list, and how many rows the whole list has. */
export interface Listing<Row> {
  rows: Row[]
  total: number
}

/**
 * The pages of a list of which the vendor shows `most` rows at most. A longer one is asked for again by halves of `range`
 *, until each is short enough or one number wide; rows may come twice then.
 */
export async function* pagesWithin<Row>(
  ask: (page: number, range: Range | undefined) => Promise<Listing<Row>>,
  limits: { per_page: number; most: number },
  range?: Range,
): AsyncGenerator<Row[]> {
  const { per_page, most } = limits
  const { rows, total } = await ask(1, range)
  yield rows
  const halves = total > most ? halvesOf(range ?? WIDEST) : []
  for (const half of halves) yield* pagesWithin(ask, limits, half)
  if (halves.length > 0) return
  for (let page = 2; rows.length > 0 && (page - 1) * per_page < Math.min(total, most); page++) {
    const next = await ask(page, range)
    if (next.rows.length === 0) return
    yield next.rows
  }
}

/** Cut where half of the orders of magnitude lie, since there are many small companies and few large ones. None where it cannot be cut. */
function halvesOf({ min, max }: Range): Range[] {
  if (min >= max) return []
  const middle = Math.min(max - 1, Math.floor(Math.sqrt(Math.max(min, 1) * max)))
  return [
    { min, max: middle },
    { min: middle + 1, max },
  ]
}

/** Asks about many at once and yields each answer in the order of asking. Those that failed do so after all that came. */
export async function* together<One, Answer>(
  many: readonly One[],
  ask: (one: One) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const answers = many.map((one) =>
    ask(one).then(
      (answer) => ({ answer }) as const,
      (error: unknown) => ({ error }) as const,
    ),
  )
  const errors: unknown[] = []
  for (const each of answers) {
    const told = await each
    if ('answer' in told) yield told.answer
    else errors.push(told.error)
  }
  if (errors.length > 0) throw errors[0]
}

/** The same, all of them at once, without those that are undefined. */
export async function gathered<One, Answer>(
  many: readonly One[],
  ask: (one: One) => Promise<Answer | undefined>,
): Promise<Answer[]> {
  const all: Answer[] = []
  for await (const answer of together(many, ask)) if (answer !== undefined) all.push(answer)
  return all
}

/**
 * The pages of a list that is read on from the key of its last row. It ends with an empty page, with as many rows as there
 * are, or, where nobody says how many, with a page that is not full; and where a page comes again.
 */
export async function* pagesAfter<Row>(
  ask: (after: string | undefined) => Promise<{ rows: Row[]; last: string | undefined; total: number | undefined }>,
  per_page: number,
): AsyncGenerator<Row[]> {
  let after: string | undefined
  for (let seen = 0; ; ) {
    const { rows, last, total } = await ask(after)
    yield rows
    seen += rows.length
    const done = total === undefined ? rows.length < per_page : seen >= total
    if (done || last === undefined || last === after) return
    after = last
  }
}

/** The pages of several lists, one list after the other. One that fails keeps no other out: it is thrown after all. */
export async function* eachList<One, Page>(
  many: readonly One[],
  pages: (one: One) => AsyncIterable<Page>,
): AsyncGenerator<Page> {
  const errors: unknown[] = []
  for (const one of many) {
    try {
      yield* pages(one)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** `2026-03-10`, so many days earlier. */
export function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10)
}
