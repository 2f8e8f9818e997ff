import { useEffect, useRef } from 'preact/hooks'
import type { Row } from './api.ts'
import { Table } from './ui.tsx'
import { t } from './words.ts'

export interface Bar {
  name: string
  /** Where it begins; 0 unless it stands on others. */
  from?: number
  to: number
}

/** Horizontal bars, drawn by ECharts on a canvas, with their numbers as a table below. */
export function Bars({
  title,
  bars,
  rows,
  columns,
}: {
  title: string
  bars: readonly Bar[]
  rows: readonly Row[]
  columns: readonly string[]
}) {
  const place = useRef<HTMLDivElement>(null)
  const drawn = JSON.stringify(bars)
  useEffect(() => {
    let end = () => {}
    let gone = false
    void import('./draw-bars.ts').then(({ drawBars }) => {
      if (!gone && place.current !== null) end = drawBars(place.current, JSON.parse(drawn) as Bar[])
    })
    return () => {
      gone = true
      end()
    }
  }, [drawn])
  return (
    <>
      <div ref={place} class={`chart chart-${Math.min(12, Math.max(2, bars.length))}`} role="img" aria-label={title} />
      <details>
        <summary>{t('as_table')}</summary>
        <Table rows={rows} columns={columns} caption={title} />
      </details>
    </>
  )
}
