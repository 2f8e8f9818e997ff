import { query, type Row, useApi } from '../api.ts'
import { Chart } from '../chart.tsx'
import { layOut, READABLE } from '../graph-layout.ts'
import { label } from '../labels.ts'
import { go, type Place } from '../place.ts'
import { Badge, Panel, Shown, Table, text } from '../ui.tsx'
import { count, t } from '../words.ts'
import { NodePage } from './node.tsx'
import { FoundByTests } from './tests.tsx'

export interface GraphRow extends Row {
  id: string
  name: string
  kind: string
  layer: string
  file: string
  description: string
  reads: string[]
  reads_later: string[]
  status: string | null
}
export interface Told {
  nodes: GraphRow[]
  tests: Row[]
  counts: Row[]
  runs: Row[]
  run_id: string
}

const LAYERS = ['source', 'seed', 'staging', 'step', 'intermediate', 'marts', 'ops', 'outward', 'analysis', 'exposure']
/** More than this cannot be looked at in one table. */
const SHOWN_AT_MOST = 400

/** The graph as it last ran, and the words on everything in it. */
export function Pipeline({ place }: { place: Place }) {
  const asked = useApi<Told>('/v1/pipeline')
  const chosen = Object.fromEntries(new URLSearchParams(place.search))
  return <Shown asked={asked}>{(told) => <Whole told={told} chosen={chosen} path={place.path} />}</Shown>
}

function Whole({ told, chosen, path }: { told: Told; chosen: Record<string, string>; path: string }) {
  const { node: id, layer, text: wanted = '' } = chosen
  const set = (changes: Record<string, string | undefined>) => go(`${path}${query({ ...chosen, ...changes })}`)
  const node = told.nodes.find((each) => each.id === id)
  const graph = layOut(told.nodes, LAYERS, node?.id)
  const part = wanted.toLowerCase()
  const listed = told.nodes.filter(
    (each) =>
      (layer === undefined || layer === '' || each.layer === layer) &&
      (part === '' || `${each.name} ${each.description}`.toLowerCase().includes(part)),
  )
  const tests = told.counts.reduce<number>((sum, each) => sum + Number(each.tests), 0)
  return (
    <>
      <Panel title={node === undefined ? t('graph') : node.name} wide>
        <p class="quiet">
          {t('graph_hint')}{' '}
          {node !== undefined && (
            <a href={`${path}${query({ ...chosen, node: undefined, column: undefined })}`} data-in>
              {t('whole_graph')}
            </a>
          )}
        </p>
        <p class="legend">
          {LAYERS.filter((name) => told.nodes.some((each) => each.layer === name)).map((name) => (
            <span key={name} class={`swatch swatch-${LAYERS.indexOf(name) % 5}`}>
              {label(name)}
            </span>
          ))}
        </p>
        <Chart
          title={t('graph')}
          drawing={{ kind: 'graph', ...graph, names: graph.nodes.length <= READABLE }}
          rows={graph.nodes.map(({ name, says, status }) => ({ name, status, says }))}
          columns={['name', 'status', 'says']}
          height={node === undefined ? 30 : Math.min(30, Math.max(12, graph.nodes.length * 1.1))}
          pick={(to) => set({ node: to, column: undefined })}
        />
      </Panel>
      {node !== undefined && (
        <NodePage key={node.id} id={node.id} all={told.nodes} column={chosen.column} path={path} />
      )}
      <FoundByTests tests={told.tests} counts={told.counts} total={tests} />
      <Panel title={t('nodes_found')}>
        <form class="bar" onSubmit={(event) => event.preventDefault()}>
          <label>
            {t('search')}{' '}
            <input
              id="search"
              type="search"
              defaultValue={wanted}
              onChange={(event) => set({ text: event.currentTarget.value })}
            />
          </label>
          <label>
            {label('layer')}{' '}
            <select value={layer ?? ''} onChange={(event) => set({ layer: event.currentTarget.value })}>
              <option value="">{t('all')}</option>
              {LAYERS.filter((name) => told.nodes.some((each) => each.layer === name)).map((name) => (
                <option key={name} value={name}>
                  {label(name)}
                </option>
              ))}
            </select>
          </label>
          <span class="quiet">{count(listed.length)}</span>
        </form>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
        <section class="scroll tall" tabIndex={0} aria-label={t('nodes_found')}>
          <table>
            <thead>
              <tr>
                {['name', 'layer', 'status', 'seconds', 'row_count', 'description'].map((name) => (
                  <th scope="col" key={name}>
                    {label(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {listed.slice(0, SHOWN_AT_MOST).map((each) => (
                <tr key={each.id}>
                  <td>
                    <a href={`${path}${query({ ...chosen, node: each.id, column: undefined })}`} data-in data-item>
                      {each.name}
                    </a>
                  </td>
                  <td>{label(each.layer)}</td>
                  <td>{each.status === null ? '–' : <Badge value={each.status} />}</td>
                  <td class="number">{text(each.seconds)}</td>
                  <td class="number">{text(each.row_count)}</td>
                  <td>{each.description === '' ? t('no_description') : each.description}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </Panel>
      {told.runs.length > 0 && (
        <Panel title={t('runs')}>
          <Table
            rows={told.runs}
            columns={[
              'run_id',
              'started_at',
              'ended_at',
              'command',
              'target',
              'as_of',
              'status',
              'exit_code',
              'git_commit',
            ]}
            caption={t('runs')}
          />
        </Panel>
      )}
    </>
  )
}
