import type { DiffPart, DiffTable, DiffWorld, SideWorld, Told } from '../pipeline/diff/part.ts'
import { BOUNDS, FACTS, forecastOf } from './purchase-plan.ts'
import { costOfCredit } from './purchase-state.ts'
import type { PurchaseInput } from './purchases.ts'
import { SUBJECT_READS } from './subjects.ts'

const bare = (relation: string) => relation.slice(relation.indexOf('.') + 1)

/** One field of one company or person that would be bought at most, with its price. */
const WANTED = {
  subject_id: 'VARCHAR',
  field: 'VARCHAR',
  provider: 'VARCHAR',
  credits: 'DECIMAL(18,6)',
  usd: 'DECIMAL(18,6)',
}

/**
 * What enrichment would newly buy or buy no longer, and what that costs: both sides ask the planner of purchases, which
 * knows whose tier is open. Undefined: nothing is for sale here.
 */
export function movedPurchases(input: PurchaseInput | undefined): DiffPart {
  return {
    name: 'money',
    title: 'Money',
    reads: [],
    builds:
      input === undefined
        ? []
        : [bare(BOUNDS), bare(FACTS), ...SUBJECT_READS, 'int_contacts_merged', 'int_subjects_resolved'],
    figures: [
      { name: 'purchases_started', label: 'values that would newly be bought', of: 'values bought before' },
      { name: 'purchases_stopped', label: 'values that would not be bought any more', of: 'values bought before' },
      { name: 'usd_added', label: 'US dollars that would newly be spent, at most', of: 'US dollars before' },
      { name: 'usd_saved', label: 'US dollars that would not be spent any more, at most', of: 'US dollars before' },
    ],
    refine: (world) => forecast(world, input),
    tell: (world) => tell(world, input),
  }
}

async function forecast(world: SideWorld, input: PurchaseInput | undefined): Promise<void> {
  const { connection, writer, place, built, side } = world
  const columns = Object.entries(WANTED).map(([name, type]) => `${name} ${type}`)
  await connection.run(`create table ${place('wanted')} (${columns.join(', ')})`)
  if (input === undefined || !built(side)) return
  const { at_most } = await forecastOf(world, input)
  // One answer fills all the fields of its question and is paid once.
  const rows = at_most.flatMap(({ subject_id, fields, source, odds }) =>
    fields.map((field, index) => {
      const usd = index === 0 ? odds.cost : 0
      const credits = usd === 0 ? 0 : usd / costOfCredit(source, input.prices)
      return { subject_id, field, provider: source.on.name, credits: credits.toFixed(6), usd: usd.toFixed(6) }
    }),
  )
  await writer.insert(place('wanted'), WANTED, rows)
}

async function tell(world: DiffWorld, input: PurchaseInput | undefined): Promise<Told> {
  const { connection, place, built, own } = world
  if (!built('before')) {
    const note =
      'what would be bought is not compared: what was open before is known of a git ref, and of the last build'
    return { figures: {}, tables: [], notes: input === undefined ? [] : [note] }
  }
  await connection.run(`
    create table ${place('changes', 'after')} as
    select
      coalesce(a.field, b.field) as field, coalesce(a.provider, b.provider) as provider,
      case when b.subject_id is null then 'bought' when a.subject_id is null then 'not bought' else 'another price' end as change,
      coalesce(a.credits, 0) - coalesce(b.credits, 0) as credits, coalesce(a.usd, 0) - coalesce(b.usd, 0) as usd
    from ${place('wanted', 'before')} as b
    full join ${place('wanted', 'after')} as a
      on a.subject_id = b.subject_id and a.field = b.field and a.provider = b.provider
    where a.subject_id is null or b.subject_id is null or a.usd <> b.usd`)
  const [counted] = await connection.rows<
    Record<'started' | 'stopped' | 'added' | 'saved' | 'values' | 'usd', number>
  >(`
    select
      count(*) filter (where change = 'bought') as started,
      count(*) filter (where change = 'not bought') as stopped,
      coalesce(sum(usd) filter (where usd > 0), 0)::double as added,
      coalesce(-sum(usd) filter (where usd < 0), 0)::double as saved,
      (select count(*) from ${place('wanted', 'before')}) as "values",
      (select coalesce(sum(usd), 0)::double from ${place('wanted', 'before')}) as usd
    from ${place('changes', 'after')}`)
  const { started, stopped, added, saved, values, usd } = counted!
  return {
    figures: {
      purchases_started: { value: started, of: values },
      purchases_stopped: { value: stopped, of: values },
      usd_added: { value: added, of: usd },
      usd_saved: { value: saved, of: usd },
    },
    tables: [await byField(world)],
    notes:
      own('before') || started + stopped + added + saved === 0 ? [] : ['the prices of today are used for both sides'],
  }
}

async function byField({ connection, place }: DiffWorld): Promise<DiffTable> {
  const rows = await connection.rows(`
    select field, provider, change, count(*) as "values", sum(credits)::double as credits, sum(usd)::double as usd
    from ${place('changes', 'after')} group by all order by all`)
  const columns = ['field', 'provider', 'change', 'values', 'credits', 'usd']
  return { name: 'purchases', title: 'By field', columns, rows, total: rows.length }
}
