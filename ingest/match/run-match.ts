import { quoteLiteral } from '../../pipeline/table.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import type { Weights } from './estimate.ts'
import { type Evidence, evidenceList } from './explain.ts'
import { readTable } from './read-table.ts'
import { resolveRecords, scorePairs } from './resolve.ts'
import type { MatchSettings } from './settings.ts'
import type { Lexicon } from './words.ts'

/** Which column of the file is what. */
export type Columns = Partial<
  Record<'id' | 'name' | 'country' | 'place' | 'address' | 'phone' | 'email' | 'domain' | 'cnpj', string>
>

export interface MatchWorld {
  connection: Connection
  lexicon: Lexicon
  settings: MatchSettings
  progress?: (text: string) => void
}

const BATCH = 20_000

/** A column that was asked for and is not in the file. */
export class NoSuchColumn extends Error {
  override readonly name = 'NoSuchColumn'
  constructor(
    readonly column: string,
    readonly columns: readonly string[],
  ) {
    super(`there is no column '${column}'`)
  }
}

/** Reads a file's columns into a temporary table `match_file` (r, and the columns' keys, all text). Answers its rows. */
async function readFile(connection: Connection, file: string, columns: Record<string, string>): Promise<number> {
  const keys = Object.keys(columns)
  const types = Object.fromEntries([['r', 'BIGINT'], ...keys.map((key) => [key, 'VARCHAR'])]) as Record<string, string>
  await connection.run(
    `create or replace temp table match_file (${Object.entries(types)
      .map(([key, type]) => `"${key}" ${type}`)
      .join(', ')})`,
  )
  let places: number[] | undefined
  let count = 0
  const batch: string[] = []
  // The next rows are read while the database takes these.
  let inserted = Promise.resolve()
  const flush = async () => {
    await inserted
    inserted = insertBatch(connection, keys, count - batch.length, batch.splice(0))
    inserted.catch(() => {})
  }
  for await (const { fields } of readTable(file)) {
    if (places === undefined) {
      const header = fields.map((name) => name.trim().replace(/^\uFEFF/, ''))
      places = Object.values(columns).map((column) => {
        const exact = header.indexOf(column.trim())
        const place =
          exact >= 0 ? exact : header.findIndex((name) => name.toLowerCase() === column.trim().toLowerCase())
        if (place < 0) throw new NoSuchColumn(column, header)
        return place
      })
      continue
    }
    batch.push(places.map((place) => oneField(fields[place])).join(FIELD_END))
    count++
    if (batch.length >= BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  await inserted
  return count
}

/** Control characters that end rows and fields on their way in, and one for a field that is not there. */
const [ROW_END, FIELD_END, ABSENT] = ['\u001e', '\u001f', '\u001d']
const CONTROL = new RegExp(`[${ABSENT}-${FIELD_END}]`, 'g')

const oneField = (text: string | undefined) => text?.replace(CONTROL, ' ') ?? ABSENT

/** As one text that the database cuts: several times as fast as rows of JSON. */
async function insertBatch(connection: Connection, keys: readonly string[], before: number, batch: readonly string[]) {
  const columns = keys.map((key, index) => `nullif(fields[${index + 1}], '${ABSENT}') as "${key}"`)
  await connection.run(
    `insert into match_file by name
     select $2::bigint + position as r, ${columns.join(', ')}
     from (
         select generate_subscripts(lines, 1) as position, string_split(unnest(lines), '${FIELD_END}') as fields
         from (select string_split($1, '${ROW_END}') as lines)
     )`,
    [batch.join(ROW_END), before],
  )
}

/** Own domains by host: neither a public mailbox's nor a shared host's. */
async function createDomains(world: MatchWorld): Promise<void> {
  const { connection } = world
  const { registrableDomain } = await import('../registrable-domain.ts')
  const hosts = await connection.rows<{ host: string }>(`
    select distinct regexp_extract(lower(trim(domain)),
        '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?:www\\.)?([^/:?#@\\s]+\\.[^/:?#@\\s.]{2,})\\.?(?:[/:?#].*)?$', 1) as host
    from match_file where domain is not null order by host`)
  await connection.run('create or replace temp table match_hosts (host varchar, domain varchar)')
  const rows = hosts.filter(({ host }) => host !== '').map(({ host }) => ({ host, domain: registrableDomain(host) }))
  for (let start = 0; start < rows.length; start += BATCH)
    await connection.insert('match_hosts', { host: 'VARCHAR', domain: 'VARCHAR' }, rows.slice(start, start + BATCH))
  await connection.run(`
    delete from match_hosts where domain in (select domain from free_mail_domains)
        or exists (select 1 from shared_hosts where shared_hosts.host = match_hosts.host or ends_with(match_hosts.host, '.' || shared_hosts.host))`)
}

/** What `match --data` says of a row. */
export interface MatchedRow {
  id: string | null
  cluster: string
  probability: number
}

/**
 * Resolves a table: rows in the file's order, a batch at a time, with the id of the first row of their cluster and how sure
 * it is that they belong there (of a row alone: that it is alone).
 */
export async function* matchFile(
  world: MatchWorld,
  file: string,
  columns: Columns,
  weighed: (weights: Weights) => void = () => {},
): AsyncGenerator<MatchedRow[]> {
  const { connection } = world
  await readFile(connection, file, columns as Record<string, string>)
  world.progress?.('file read')
  const has = (key: keyof Columns) => columns[key] !== undefined
  if (has('domain')) await createDomains(world)
  // numbered by what they say: what belongs together does not depend on the order of the file
  const said = Object.keys(columns).map((key) => `"${key}"`)
  await connection.run(`
    create or replace temp table match_rows as
        select row_number() over (order by ${said.join(', ')}, r) as r, r as line, ${said.join(', ')} from match_file`)
  const column = (key: keyof Columns) => (has(key) ? `f."${key}"` : 'null::varchar')
  const cnpj = `case when length(regexp_replace(f.cnpj, '[./\\s-]', '', 'g')) = 14 then left(upper(regexp_replace(f.cnpj, '[./\\s-]', '', 'g')), 8) end`
  const input = `
    select f.r, ${column('name')} as name, ${column('country')} as country, ${column('place')} as place,
        ${column('address')} as address, ${column('phone')} as phone, ${column('email')} as email,
        ${has('domain') ? 'h.domain' : 'null::varchar'} as domain, null::varchar[] as people,
        ${has('cnpj') ? cnpj : 'null::varchar'} as cnpj_root,
        ${has('cnpj') ? cnpj : 'null::varchar'} as exact_key
    from match_rows as f
    ${
      has('domain')
        ? `left join match_hosts as h on h.host = regexp_extract(lower(trim(f.domain)),
        '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?:www\\.)?([^/:?#@\\s]+\\.[^/:?#@\\s.]{2,})\\.?(?:[/:?#].*)?$', 1)`
        : ''
    }`
  weighed(
    await resolveRecords(connection, {
      input,
      lexicon: world.lexicon,
      settings: world.settings,
      progress: world.progress,
    }),
  )
  yield* connection.stream<MatchedRow>(`
    with pairs as (
        select x.r, max(case when x.c = y.c then probability end) as inside, max(probability) as best
        from (select a as r, b as other, probability from match_scored union all select b, a, probability from match_scored) as s
        join match_clusters as x on x.r = s.r
        join match_clusters as y on y.r = s.other
        group by x.r
    ),
    sizes as (
        select c, count(*) as size, min(line) as first_line
        from match_clusters join match_rows using (r)
        group by c
    )
    select f.id, coalesce(first.id, 'row ' || sizes.first_line) as cluster,
        round(case when sizes.size > 1 then coalesce(pairs.inside, 1) else 1 - coalesce(pairs.best, 0) end, 6)::double as probability
    from match_rows as f
    join match_clusters as clusters on clusters.r = f.r
    join sizes on sizes.c = clusters.c
    join match_file as first on first.r = sizes.first_line
    left join pairs on pairs.r = f.r
    order by f.line`)
}

/** What `match --pairs` says of a row. */
export interface MatchedPair {
  left: string | null
  right: string | null
  probability: number
  same: boolean
  evidence: Evidence[]
}

/** Scores the pairs of a file, in its order; a pair with an empty side is not the same. */
export async function* matchPairs(
  world: MatchWorld,
  file: string,
  left: string,
  right: string,
): AsyncGenerator<MatchedPair[]> {
  const { connection, settings } = world
  await readFile(connection, file, { left, right })
  const weights = await scorePairs(connection, {
    input: `
      select 2 * r - 1 as r, "left" as name, ${NOTHING} from match_file
      union all select 2 * r, "right", ${NOTHING} from match_file`,
    pairs: 'select 2 * r - 1 as a, 2 * r as b from match_file',
    lexicon: world.lexicon,
    settings,
  })
  yield* connection.stream<MatchedPair>(`
    select f."left", f."right",
        case when s.name is null then 0 else s.probability end::double as probability,
        coalesce(s.name is not null and s.probability >= ${settings.same}, false) as same,
        coalesce(${evidenceList(weights)}, []) as evidence
    from match_file as f
    left join match_scored as s on s.a = 2 * f.r - 1
    order by f.r`)
}

const NOTHING = ['country', 'place', 'address', 'phone', 'email', 'domain']
  .map((column) => `null::varchar as ${column}`)
  .concat('null::varchar[] as people', 'null::varchar as cnpj_root', 'null::varchar as exact_key')
  .join(', ')

/** The waterfall of two names, as `--pairs` judges them. */
export async function explainNames(
  { connection, lexicon, settings }: MatchWorld,
  left: string,
  right: string,
): Promise<{ probability: number; evidence: Evidence[] }> {
  const weights = await scorePairs(connection, {
    input: `select 1 as r, ${quoteLiteral(left)} as name, ${NOTHING} union all select 2, ${quoteLiteral(right)}, ${NOTHING}`,
    pairs: 'select 1 as a, 2 as b',
    lexicon,
    settings,
  })
  const [found] = await connection.rows<{ probability: number; evidence: Evidence[] }>(
    `select probability::double as probability, ${evidenceList(weights)} as evidence from match_scored as s`,
  )
  return found ?? { probability: 0, evidence: [] }
}

/** The project's seeds as temporary tables of a connection that has none. */
export async function loadLexicon(connection: Connection, folder: string): Promise<Lexicon> {
  const seeds = {
    legal_forms: { form: 'VARCHAR', kind: 'VARCHAR', place: 'VARCHAR', origin: 'VARCHAR' },
    name_words: { word: 'VARCHAR', canonical: 'VARCHAR', share: 'DOUBLE' },
    address_words: { word: 'VARCHAR', canonical: 'VARCHAR' },
    free_mail_domains: { domain: 'VARCHAR' },
    shared_hosts: { host: 'VARCHAR' },
  }
  for (const [name, columns] of Object.entries(seeds)) {
    const types = JSON.stringify(columns).replaceAll('"', "'")
    await connection.run(
      `create temp table ${name} as select * from read_csv(${quoteLiteral(`${folder}/${name}.csv`)}, header = true, columns = ${types})`,
    )
  }
  return { legal_forms: 'legal_forms', name_words: 'name_words', address_words: 'address_words' }
}
