import { useState } from 'preact/hooks'
import { ApiProblem, post, type Row, useApi } from './api.ts'
import { t } from './words.ts'

/** Holds spending, sending and syncing at once; in force for a run under way too. */
export function Stop() {
  const pauses = useApi<{ data: Row[] }>('/v1/pauses')
  const [problem, tell] = useState('')
  const held = pauses.data?.data ?? []
  const act = (path: string, body: object) =>
    post(path, body).then(
      () => {
        tell('')
        pauses.reload()
      },
      (error: unknown) => tell(error instanceof ApiProblem ? error.message || error.code : String(error)),
    )
  return (
    <>
      <span role="status" class={problem === '' ? 'quiet' : 'bad'}>
        {problem || (held.length === 0 ? '' : `${t('paused')}: ${held.map(({ what }) => String(what)).join(', ')}`)}
      </span>
      {held.length > 0 && (
        <button type="button" onClick={() => void act('/v1/resume', {})}>
          {t('resume')}
        </button>
      )}
      <button type="button" class="stop" onClick={() => void act('/v1/pause', { what: 'all' })}>
        {t('stop')}
      </button>
    </>
  )
}
