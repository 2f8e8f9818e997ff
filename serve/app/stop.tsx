import { useEffect, useState } from 'preact/hooks'
import { post, type Row, saidOf, useApi } from './api.ts'
import { t } from './words.ts'

/** Holds spending, sending and syncing at once; in force for a run under way too. */
export function Stop() {
  const pauses = useApi<{ data: Row[] }>('/v1/pauses')
  const [problem, tell] = useState('')
  const held = pauses.data?.data ?? []
  useEffect(() => {
    // Somebody else may have stopped or resumed meanwhile.
    const again = setInterval(pauses.reload, 15_000)
    return () => clearInterval(again)
  }, [pauses.reload])
  const act = (path: string, body: object) =>
    post(path, body).then(
      () => {
        tell('')
        pauses.reload()
      },
      (error: unknown) => tell(saidOf(error)),
    )
  const scopeOf = ({ what, scope }: Row) => [what, ...Object.values((scope ?? {}) as object)].join(' ')
  return (
    <>
      <span role="status" class={problem === '' ? 'held' : 'bad'}>
        {problem || (held.length === 0 ? '' : `${t('paused')}: ${held.map(scopeOf).join(', ')}`)}
      </span>
      {held.length > 0 && (
        <button type="button" class="main" onClick={() => void act('/v1/resume', {})}>
          {t('resume')}
        </button>
      )}
      <button type="button" class="stop" onClick={() => void act('/v1/pause', { what: 'all' })}>
        {t('stop')}
      </button>
    </>
  )
}
