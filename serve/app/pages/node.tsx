import { query, type Row, useApi } from '../api.ts'
import { label } from '../labels.ts'
import { Badge, Panel, Shown, Table, text } from '../ui.tsx'
import { t } from '../words.ts'
import type { GraphRow } from './pipeline.tsx'

interface Described extends Row {
  id: string
  name: string
  file: string
  description: string
  relation: string | null
  reads: string[]
  reads_later: string[]
  columns: { name: string; type?: string; description: string; tests: string[]; pii: boolean }[]
  tests: Row[]
  sql: string | null
}

/** The words on one node: what it is, what it reads and feeds, every column with its tests and where it comes from. */
export function NodePage({
  id,
  all,
  column,
  path,
}: {
  id: string
  all: readonly GraphRow[]
  column: string | undefined
  path: string
}) {
  const asked = useApi<Described>(`/v1/pipeline/node${query({ id })}`)
  const last = all.find((each) => each.id === id)
  const link = (to: string) => {
    const name = all.find((each) => each.id === to)?.name ?? to
    return (
      <li key={to}>
        <a href={`${path}${query({ node: to })}`} data-in>
          {name}
        </a>
      </li>
    )
  }
  return (
    <Shown asked={asked}>
      {(node) => (
        <>
          <Panel title={node.name}>
            <p>{node.description === '' ? t('no_description') : node.description}</p>
            <p class="quiet">
              {text(node.relation)} · {node.file} {last?.status == null ? '' : <Badge value={last.status} />}{' '}
              {last?.row_count == null ? '' : `${text(last.row_count)} ${label('rows')}`}{' '}
              {last?.seconds == null ? '' : `${text(last.seconds)} s`} {last?.message == null ? '' : text(last.message)}
            </p>
            <div class="grid">
              <div>
                <h3>{t('reads')}</h3>
                <ul>{[...node.reads, ...node.reads_later].map(link)}</ul>
              </div>
              <div>
                <h3>{t('feeds')}</h3>
                <ul>
                  {all
                    .filter(({ reads, reads_later }) => reads.includes(id) || reads_later.includes(id))
                    .map((each) => link(each.id))}
                </ul>
              </div>
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
            <section class="scroll" tabIndex={0} aria-label={t('columns')}>
              <table>
                <caption>{t('columns')}</caption>
                <thead>
                  <tr>
                    {['column', 'type', 'description', 'tests'].map((name) => (
                      <th scope="col" key={name}>
                        {label(name)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {node.columns.map((each) => (
                    <tr key={each.name}>
                      <td>
                        <a href={`${path}${query({ node: id, column: each.name })}`} data-in>
                          {each.name}
                        </a>
                        {each.pii && <span class="badge">PII</span>}
                      </td>
                      <td>{text(each.type)}</td>
                      <td>{text(each.description)}</td>
                      <td>{text(each.tests)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
            {node.tests.length > 0 && (
              <details>
                <summary>{t('tests')}</summary>
                <Table
                  rows={node.tests}
                  columns={['name', 'column_name', 'severity', 'status', 'failures']}
                  caption={t('tests')}
                />
              </details>
            )}
            {node.sql !== null && (
              <details>
                <summary>{t('sql')}</summary>
                <pre class="code">{node.sql}</pre>
              </details>
            )}
          </Panel>
          {column !== undefined && <Lineage id={id} column={column} name={node.name} path={path} />}
        </>
      )}
    </Shown>
  )
}

interface Step extends Row {
  id: string
  name: string
  column: string
  steps: number
}

function Lineage({ id, column, name, path }: { id: string; column: string; name: string; path: string }) {
  const asked = useApi<{ from: Step[]; to: Step[] }>(`/v1/pipeline/lineage${query({ id, column })}`)
  const side = (title: string, steps: readonly Step[]) => (
    <div>
      <h3>{title}</h3>
      {steps.length === 0 && <p class="quiet">{t('none')}</p>}
      <ul>
        {steps.map((each) => (
          <li key={`${each.id} ${each.column}`}>
            <span class="quiet">{each.steps} </span>
            <a href={`${path}${query({ node: each.id, column: each.column })}`} data-in>
              {each.name}.{each.column}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
  return (
    <Panel title={`${t('lineage_of')} ${name}.${column}`}>
      <Shown asked={asked}>
        {({ from, to }) => (
          <div class="grid">
            {side(t('comes_from'), from)}
            {side(t('goes_to'), to)}
          </div>
        )}
      </Shown>
    </Panel>
  )
}
