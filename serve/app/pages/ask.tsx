import { useState } from 'preact/hooks'
import { post, type Row, saidOf, useApi } from '../api.ts'
import { Chart } from '../chart.tsx'
import { toCsv } from '../csv.ts'
import { save } from '../save.ts'
import { Panel, Shown, Table } from '../ui.tsx'
import { count, t } from '../words.ts'

interface AskTable {
  schema: string
  name: string
  description: string
  columns: { name: string; type: string; description: string }[]
}
interface Answer {
  columns: { name: string; type: string }[]
  rows: Row[]
  more: boolean
  seconds: number
}

const EXAMPLE = `select tier, qualification_status, count(*) as leads, avg(score) as mean_score
from ops.lead_rows
group by all
order by all`

/** Any question in SQL over what is published, with a picture of the answer where there is one. */
export function Ask() {
  const tables = useApi<{ tables: AskTable[] }>('/v1/ask')
  return <Shown asked={tables}>{({ tables: known }) => <Question tables={known} />}</Shown>
}

function Question({ tables }: { tables: readonly AskTable[] }) {
  const [sql, write] = useState(() => sessionStorage.getItem('lead-engine-question') ?? EXAMPLE)
  const [answer, tell] = useState<Answer>()
  const [problem, refuse] = useState('')
  const [isBusy, wait] = useState(false)
  const ask = async () => {
    sessionStorage.setItem('lead-engine-question', sql)
    wait(true)
    refuse('')
    try {
      tell(await post<Answer>('/v1/ask', { sql }))
    } catch (error) {
      tell(undefined)
      refuse(saidOf(error))
    }
    wait(false)
  }
  const names = answer?.columns.map(({ name }) => name) ?? []
  return (
    <>
      <Panel title={t('question')}>
        <p class="quiet">{t('limits')}</p>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void ask()
          }}
        >
          <textarea
            class="code"
            aria-label={t('question')}
            value={sql}
            spellcheck={false}
            onInput={(event) => write(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
              event.preventDefault()
              void ask()
            }}
          />
          <div class="bar">
            <button type="submit" class="main" disabled={isBusy}>
              {t('run_question')} (Ctrl+Enter)
            </button>
            {answer !== undefined && (
              <button type="button" onClick={() => save('answer.csv', toCsv(names, answer.rows))}>
                {t('export_csv')}
              </button>
            )}
            <span role="status">
              {isBusy
                ? t('loading')
                : answer === undefined
                  ? ''
                  : `${count(answer.rows.length)} · ${answer.seconds.toFixed(3)} s`}
              {answer?.more === true ? ` · ${t('more_rows')}` : ''}
            </span>
          </div>
        </form>
        {problem !== '' && (
          <pre class="bad code" role="alert">
            {problem}
          </pre>
        )}
      </Panel>
      {answer !== undefined && (
        <Panel title={t('run_question')} wide>
          <Picture answer={answer} />
        </Panel>
      )}
      <Panel title={t('tables')}>
        {tables.map(({ schema, name, description, columns }) => (
          <details key={`${schema}.${name}`}>
            <summary>
              {schema}.{name}
            </summary>
            <p class="quiet">{description}</p>
            <Table rows={columns as unknown as Row[]} columns={['name', 'type', 'description']} caption={name} />
          </details>
        ))}
      </Panel>
    </>
  )
}

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/
const MOST_BARS = 60

/** The first column that is none against the first few that are numbers: over days as lines, else as columns. */
function Picture({ answer }: { answer: Answer }) {
  const columns = answer.columns.map(({ name }) => name)
  const numbers = answer.columns.filter(({ type }) => NUMBERS.test(type)).slice(0, 4)
  const names = answer.columns.find(({ type }) => !NUMBERS.test(type))
  const isDrawn = numbers.length > 0 && names !== undefined && answer.rows.length > 1 && answer.rows.length <= MOST_BARS
  if (!isDrawn) return <Table rows={answer.rows} columns={columns} caption={t('run_question')} />
  const words = answer.columns.filter(({ type }) => !NUMBERS.test(type))
  return (
    <>
      <Chart
        title={t('run_question')}
        drawing={{
          kind: /^(DATE|TIMESTAMP)/.test(names.type) ? 'lines' : 'columns',
          stacked: false,
          names: answer.rows.map((row) =>
            words.map(({ name }) => String(row[name] ?? '–').replace('T00:00:00.000Z', '')).join(' · '),
          ),
          series: numbers.map(({ name }) => ({
            name,
            values: answer.rows.map((row) => (row[name] === null ? null : Number(row[name]))),
          })),
        }}
        rows={answer.rows}
        columns={columns}
      />
      <Table rows={answer.rows} columns={columns} caption={t('run_question')} />
    </>
  )
}
