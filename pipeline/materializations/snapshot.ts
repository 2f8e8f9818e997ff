import type { World } from '../context.ts'
import { CheckFailed } from '../errors.ts'
import type { SnapshotNode } from '../nodes.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { LEDGER } from '../warehouse/session.ts'
import { newLoad } from '../warehouse/staging.ts'
import type { Column } from './columns.ts'
import { emptyView, KEPT, keptColumns, keptName, SEEN, viewStatement } from './snapshot-view.ts'

const LOOKED = 'temp.main._looked'
const OPENING = 'temp.main._opening'
const CLOSING = 'temp.main._closing'

export interface Taken {
  /** Versions opened and closed. */
  rows: number
  text: string
}

/**
 * Looks at the relation and notes in the ledger what is not as it was: a version is closed, the next one opened, all in
 * one transaction with the run's row. A replay notes nothing and shows what was known by then.
 */
export async function takeSnapshot(world: World, node: SnapshotNode): Promise<Taken> {
  const { session, recorder } = world
  const connection = await session.connect()
  try {
    const kept = (await keptColumns(connection)).get(node.name)
    if (recorder.frozen) {
      await session.connection.run(kept === undefined ? emptyView(node) : viewStatement(node, kept, session.as_of))
      return { rows: 0, text: 'a replay records nothing' }
    }
    const snapshot = new Snapshot(connection, node, session.as_of, kept)
    const changes = await snapshot.look()
    if (changes.opened + changes.closed + changes.columns > 0 || kept === undefined)
      await recorder.write(() => snapshot.apply(world.run_id), connection)
    await session.connection.run(viewStatement(node, snapshot.columns, session.as_of))
    const text =
      changes.opened + changes.closed === 0 ? 'nothing changed' : `${changes.opened} opened, ${changes.closed} closed`
    return { rows: changes.opened + changes.closed, text }
  } finally {
    connection.close()
  }
}

class Snapshot {
  readonly #connection: Connection
  readonly #node: SnapshotNode
  /** The instant of the run: the start of its date. */
  readonly #now: string
  readonly #kept: readonly Column[] | undefined
  #looked: readonly Column[] = []
  #alter: string[] = []

  constructor(connection: Connection, node: SnapshotNode, as_of: string, kept: readonly Column[] | undefined) {
    this.#connection = connection
    this.#node = node
    this.#now = `cast(${quoteLiteral(as_of)} as timestamp)`
    this.#kept = kept
  }

  /** Columns of the relation as the ledger keeps them: those it has, then those it once had. */
  get columns(): Column[] {
    const kept = this.#kept ?? []
    const added = this.#looked.filter(({ name }) => !kept.some((column) => same(column.name, name)))
    return [...kept, ...added]
  }

  /** Finds out what has changed; nothing is written yet. */
  async look(): Promise<{ opened: number; closed: number; columns: number }> {
    const { settings, sql } = this.#node
    this.#looked = await this.#connection.describe(sql)
    this.#refuseOwnNames()
    const keys = settings.unique_key.map((key, index) => `(${key}) as _key${index}`)
    const updated = settings.updated_at === undefined ? this.#now : `cast((${settings.updated_at}) as timestamp)`
    await this.#connection.run(
      `create temp table _looked as select *, ${keys.join(', ')}, ${updated} as _updated from (${sql}) as relation`,
    )
    await this.#refuseUnfit()
    this.#alter = await this.#evolve()
    if (this.#kept === undefined) await this.#openAll()
    else await this.#compare(keys)
    return {
      opened: await this.#count(OPENING),
      closed: await this.#count(CLOSING),
      columns: this.#alter.length,
    }
  }

  async apply(run_id: string): Promise<void> {
    const kept = keptName(this.#node)
    const types = { ...Object.fromEntries(this.#looked.map(({ name, type }) => [name, type])), ...KEPT, ...SEEN }
    const columns = Object.entries(types).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
    await this.#connection.run(
      [
        `create schema if not exists ${LEDGER}.snapshots`,
        `create table if not exists ${kept} (${columns.join(', ')})`,
        ...this.#alter.map((change) => `alter table ${kept} ${change}`),
        `update ${kept} as kept set dbt_valid_to = closing.ended, _closed_at = ${this.#now}
         from ${CLOSING} as closing where kept.dbt_scd_id = closing.dbt_scd_id and kept.dbt_valid_to is null`,
        `insert into ${kept} by name select *, ${this.#now} as _opened_at from ${OPENING}`,
      ].join(';'),
    )
    const table = { source: 'snapshots', table: this.#node.name }
    await newLoad(this.#connection, table, run_id, await this.#instant(), `(select count(*) from ${OPENING})`)
  }

  async #instant(): Promise<string> {
    const [row] = await this.#connection.rows<{ now: string }>(`select cast(${this.#now} as varchar) as now`)
    return row!.now
  }

  get #names(): string[] {
    return this.#looked.map(({ name }) => quoteIdentifier(name))
  }

  get #keys(): string[] {
    return this.#node.settings.unique_key.map((_, index) => `_key${index}`)
  }

  #onKeys(a: string, b: string): string {
    return this.#keys.map((key) => `${a}.${key} = ${b}.${key}`).join(' and ')
  }

  /** The versions of one key at one instant are told apart by their number. */
  #scdId(from: string, twins: string): string {
    const keys = this.#keys.map((key) => `coalesce(cast(${key} as varchar), '')`)
    const parts = [...keys, `cast(${from} as varchar)`, `case when ${twins} > 0 then cast(${twins} as varchar) end`]
    return `md5(concat_ws('|', ${parts.join(', ')}))`
  }

  async #openAll(): Promise<void> {
    await this.#connection.run(`
      create temp table _closing (dbt_scd_id varchar, ended timestamp);
      create temp table _opening as
      select ${this.#names.join(', ')}, ${this.#scdId('_updated', '0')} as dbt_scd_id, _updated as dbt_updated_at,
        _updated as dbt_valid_from, 'False' as dbt_is_deleted
      from ${LOOKED}`)
  }

  async #compare(keys: readonly string[]): Promise<void> {
    const deletes = this.#node.settings.hard_deletes ?? 'ignore'
    const gone =
      deletes === 'ignore'
        ? ''
        : `union all by name
          select ${this.columns
            .map(({ name }) => quoteIdentifier(name))
            .filter((name) => this.#isKept(name))
            .map((name) => `held.${name}`)
            .join(', ')},
            ${this.#keys.map((key) => `held.${key}`).join(', ')}, 'True' as dbt_is_deleted,
            held.dbt_scd_id as closes, greatest(${this.#now}, held.dbt_valid_from) as starts,
            greatest(${this.#now}, held.dbt_valid_from) as _updated
          from held anti join ${LOOKED} as looked on ${this.#onKeys('looked', 'held')}
          where held.dbt_is_deleted = 'False'`
    await this.#connection.run(`
      create temp table _changes as
      with versions as (select *, ${keys.join(', ')} from ${keptName(this.#node)}),
      held as (select * from versions where dbt_valid_to is null),
      ended as (select ${this.#keys.join(', ')}, max(dbt_valid_to) as ended from versions group by all),
      changes as (
        select ${this.#names.map((name) => `looked.${name}`).join(', ')}, ${this.#keys.map((key) => `looked.${key}`).join(', ')},
          'False' as dbt_is_deleted, held.dbt_scd_id as closes, looked._updated,
          greatest(looked._updated, coalesce(held.dbt_valid_from, ended.ended, looked._updated)) as starts
        from ${LOOKED} as looked
        left join held on ${this.#onKeys('looked', 'held')}
        left join ended on ${this.#onKeys('looked', 'ended')}
        where held.dbt_scd_id is null or held.dbt_is_deleted = 'True' or ${this.#changed()}
        ${gone}
      ),
      twins as (select ${this.#keys.join(', ')}, dbt_valid_from, count(*) as twins from versions group by all)
      select changes.*, coalesce(twins.twins, 0) as twins
      from changes left join twins on ${this.#onKeys('changes', 'twins')} and twins.dbt_valid_from = changes.starts;
      create temp table _closing as select closes as dbt_scd_id, starts as ended from _changes where closes is not null;
      create temp table _opening as
      select * exclude (${[...this.#keys, 'closes', '_updated', 'starts', 'twins'].join(', ')}),
        ${this.#scdId('starts', 'twins')} as dbt_scd_id, _updated as dbt_updated_at, starts as dbt_valid_from
      from _changes ${deletes === 'new_record' ? '' : `where dbt_is_deleted = 'False'`}`)
  }

  #isKept(quoted: string): boolean {
    return (this.#kept ?? []).some(({ name }) => same(quoteIdentifier(name), quoted))
  }

  #changed(): string {
    const { settings } = this.#node
    if (settings.strategy === 'timestamp') return 'looked._updated > held.dbt_updated_at'
    const checked = settings.check_cols === 'all' ? this.#looked.map(({ name }) => name) : settings.check_cols!
    const differs = checked.map((name) => {
      const column = quoteIdentifier(name)
      return this.#isKept(column) ? `looked.${column} is distinct from held.${column}` : `looked.${column} is not null`
    })
    return `(${differs.join(' or ')})`
  }

  #refuseOwnNames(): void {
    const own = this.#looked.find(({ name }) => name in KEPT || name in SEEN || /^_(key\d+|updated)$/.test(name))
    if (own !== undefined)
      throw this.#error(`reads a column ${own.name}, which is the snapshot's own`, 'Select it under another name.')
    const { check_cols } = this.#node.settings
    if (check_cols === undefined || check_cols === 'all') return
    const missing = check_cols.filter((column) => !this.#looked.some(({ name }) => same(name, column)))
    if (missing.length > 0)
      throw this.#error(
        `check_cols names ${missing.join(', ')}, which the relation does not have`,
        `It has ${this.#looked.map(({ name }) => name).join(', ')}.`,
      )
  }

  /** A row without a key, two of one key or a row without a time would make a history that is not true. */
  async #refuseUnfit(): Promise<void> {
    const keys = this.#keys.join(', ')
    const said = this.#node.settings.unique_key.join(', ')
    const [row] = await this.#connection.rows<{ keyless: number; timeless: number; twins: number }>(`
      select count(*) filter (where ${this.#keys.map((key) => `${key} is null`).join(' or ')}) as keyless,
        count(*) filter (where _updated is null) as timeless,
        (select count(*) from (select 1 from ${LOOKED} group by ${keys} having count(*) > 1)) as twins
      from ${LOOKED}`)
    const { keyless, timeless, twins } = row!
    if (keyless > 0) throw this.#error(`${keyless} of its rows have no unique_key (${said} is NULL)`)
    if (twins > 0)
      throw this.#error(`${twins} of its keys have several rows (${said})`, 'Choose one row per unique_key.')
    if (timeless > 0) throw this.#error(`${timeless} of its rows have no updated_at`)
  }

  /** New columns are added, wider types taken over; what the relation no longer has stays, NULL from now on. */
  async #evolve(): Promise<string[]> {
    const changes: string[] = []
    if (this.#kept === undefined) return changes
    for (const { name, type } of this.#looked) {
      const column = quoteIdentifier(name)
      const old = this.#kept.find((kept) => same(kept.name, name))
      if (old === undefined) changes.push(`add column ${column} ${type}`)
      else if (old.type !== type && !(await this.#fits(`select ${column} from ${LOOKED}`, type, old.type))) {
        if (!(await this.#fits(`select ${column} from ${keptName(this.#node)}`, old.type, type)))
          throw this.#error(
            `${name} was ${old.type} and is ${type}, and neither holds the other's values`,
            `Cast it back to ${old.type} in the model.`,
          )
        changes.push(`alter column ${column} type ${type}`)
      }
    }
    return changes
  }

  async #fits(values: string, from: string, to: string): Promise<boolean> {
    const [row] = await this.#connection.rows<{ lost: number }>(
      `select count(*) as lost from (${values}) as v(x)
       where x is not null and try_cast(try_cast(x as ${to}) as ${from}) is distinct from x`,
    )
    return row!.lost === 0
  }

  async #count(table: string): Promise<number> {
    return (await this.#connection.rows<{ n: number }>(`select count(*) as n from ${table}`))[0]!.n
  }

  #error(message: string, hint?: string): CheckFailed {
    const { file, name } = this.#node
    return new CheckFailed(`${file}  the snapshot ${name}: ${message}${hint === undefined ? '' : `\n  ${hint}`}`)
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
