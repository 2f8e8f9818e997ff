import type { Subject } from './fields.ts'
import { isNamed } from './keys.ts'
import { together } from './paging.ts'
import type { VendorRow } from './vendor-rows.ts'

/** How a vendor that finds people's addresses is asked. Rows of `search` and `find` have `email` and `score`. */
export interface AddressBook {
  /** A row with nothing in it. */
  blank: VendorRow
  /** The row with `status`: Hunter's own word, `claimed` of who does not want to be found, `pending` while nobody can tell. */
  judge(subject: Subject, row: VendorRow): Promise<VendorRow>
  /** Free: how many addresses of the domain it has, and how many of them are people's. */
  count(subject: Subject): Promise<{ all: number; personal: number }>
  /** People's addresses of a domain, ten for the price of one. */
  search(subject: Subject, most: number): Promise<VendorRow[]>
  /** One person's. */
  find(subject: Subject): Promise<VendorRow>
}

/**
 * Addresses of people of one domain. One that is known is looked at first. Then, of a domain of which the vendor has none,
 * nobody is asked about; where it costs less, all are listed and told apart by name; the rest are found one by one.
 */
export async function* addressesOf(subjects: readonly Subject[], book: AddressBook): AsyncGenerator<VendorRow[]> {
  const { blank, judge } = book
  const judged = async (subject: Subject, found_by: string, row: VendorRow): Promise<VendorRow> => {
    const { subject_id } = subject
    const about: VendorRow = { ...row, subject_id, found_by }
    const told = (row.email ?? null) === null ? about : await judge(subject, about)
    return told.status === 'claimed' ? { ...blank, subject_id, found_by, status: 'claimed' } : told
  }
  const open: Subject[] = []
  const given = together(subjects, async (subject) => {
    const { email } = subject
    return { subject, row: email === null ? blank : await judged(subject, 'given', { ...blank, email }) }
  })
  for await (const { subject, row } of given) {
    if (row === blank || row.status === 'invalid') open.push(subject)
    else yield [row]
  }
  const [first] = open
  if (first === undefined) return
  const { all, personal } = await book.count(first)
  if (all === 0) return yield open.map(({ subject_id }) => ({ ...blank, subject_id, found_by: 'count' }))
  const worthwhile = personal > 0 && Math.ceil(personal / 10) < open.length
  const listed = worthwhile ? await book.search(first, personal) : []
  yield* together(open, async (subject) => {
    const same = listed.filter((row) => isNamed(subject.full_name, row.first_name, row.last_name))
    const [best] = same.sort(
      (a, b) => Number(b.score) - Number(a.score) || (String(a.email) < String(b.email) ? -1 : 1),
    )
    if (best !== undefined) return [await judged(subject, 'search', best)]
    const found = await book.find(subject)
    return [await judged(subject, 'finder', (found.email ?? null) === null ? { ...blank, ...found } : found)]
  })
}
