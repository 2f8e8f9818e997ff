import { useEffect, useRef } from 'preact/hooks'
import type { Row } from './api.ts'
import { Table } from './ui.tsx'
import { t } from './words.ts'

export interface Bar {
  name: string
  /** Where it begins; 0 unless it stands on others. */
  from?: number
  to: number
  /** In place of the number. */
  says?: string
  /** The sum of the others. */
  whole?: boolean
}

export interface GraphNode {
  id: string
  name: string
  x: number
  y: number
  layer: number
  status: string | null
  says: string
  chosen: boolean
}

export type Drawing =
  | { kind: 'bars'; bars: readonly Bar[] }
  | {
      kind: 'columns' | 'lines'
      names: readonly string[]
      series: readonly { name: string; values: readonly (number | null)[] }[]
      stacked?: boolean
    }
  | { kind: 'graph'; nodes: readonly GraphNode[]; edges: readonly [string, string][]; names: boolean }

interface Props {
  title: string
  drawing: Drawing
  rows: readonly Row[]
  columns: readonly string[]
  /** In rem; otherwise as the drawing needs. */
  height?: number
  pick?(id: string): void
}

/** What ECharts draws on a canvas, with its numbers as a table below. */
export function Chart({ title, drawing, rows, columns, height, pick }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const drawn = JSON.stringify(drawing)
  const picked = useRef(pick)
  picked.current = pick
  useEffect(() => {
    let end = () => {}
    let gone = false
    void import('./draw.ts').then(({ draw }) => {
      if (gone || place.current === null) return
      const to = picked.current === undefined ? undefined : (id: string) => picked.current?.(id)
      end = draw(place.current, JSON.parse(drawn) as Drawing, to)
    })
    return () => {
      gone = true
      end()
    }
  }, [drawn])
  const tall = height ?? (drawing.kind === 'bars' ? Math.max(2, drawing.bars.length) * 1.75 : 15)
  return (
    <>
      <div ref={place} class="chart" style={{ height: `${tall}rem` }} role="img" aria-label={title} />
      <details>
        <summary>{t('as_table')}</summary>
        <Table rows={rows} columns={columns} caption={title} />
      </details>
    </>
  )
}

/** Horizontal bars. */
export function Bars({ bars, ...props }: Omit<Props, 'drawing'> & { bars: readonly Bar[] }) {
  return <Chart {...props} drawing={{ kind: 'bars', bars }} />
}
