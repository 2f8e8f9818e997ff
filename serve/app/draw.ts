import { BarChart, GraphChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { Bar, Drawing, GraphNode } from './chart.tsx'
import { tag } from './words.ts'

use([BarChart, GraphChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

type Colour = (name: string) => string

/** Draws until the returned function is called. Names are painted, never parsed. */
export function draw(place: HTMLElement, drawing: Drawing, pick?: (id: string) => void): () => void {
  const chart = init(place, undefined, { renderer: 'canvas' })
  const paint = () => {
    const style = getComputedStyle(document.documentElement)
    const room = fitted(drawing, place.clientWidth, place.clientHeight)
    chart.setOption(
      optionOf(room, (name) => style.getPropertyValue(`--${name}`).trim()),
      true,
    )
  }
  paint()
  if (pick !== undefined)
    chart.on('click', ({ data }) => {
      const id = (data as { id?: string } | null)?.id
      if (id !== undefined) pick(id)
    })
  const resized = new ResizeObserver(() => {
    chart.resize()
    if (drawing.kind === 'graph') paint()
  })
  resized.observe(place)
  const repaint = new MutationObserver(paint)
  repaint.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  scheme.addEventListener('change', paint)
  return () => {
    resized.disconnect()
    repaint.disconnect()
    scheme.removeEventListener('change', paint)
    chart.dispose()
  }
}

/** Points as far apart as the place allows: stretched by the library, they would be no circles. */
function fitted(drawing: Drawing, width: number, height: number): Drawing {
  if (drawing.kind !== 'graph') return drawing
  const most = (of: (node: GraphNode) => number) => Math.max(1, ...drawing.nodes.map(of))
  const [wide, tall] = [most(({ x }) => x), most(({ y }) => y)]
  const room = { x: width - (drawing.names ? 190 : 40), y: height - 24 }
  const nodes = drawing.nodes.map((node) => ({ ...node, x: (node.x / wide) * room.x, y: (node.y / tall) * room.y }))
  return { ...drawing, nodes }
}

function optionOf(drawing: Drawing, colour: Colour): Record<string, unknown> {
  const common = { animation: false, textStyle: { fontFamily: 'inherit', color: colour('ink') } }
  if (drawing.kind === 'bars') return { ...common, ...bars(drawing.bars, colour) }
  if (drawing.kind === 'graph') return { ...common, ...graph(drawing.nodes, drawing.edges, drawing.names, colour) }
  return { ...common, ...columns(drawing, colour) }
}

/** Horizontal; a bar with `from` floats, and goes down where it ends below. */
function bars(all: readonly Bar[], colour: Colour): object {
  const [ink, quiet] = [colour('ink'), colour('quiet')]
  const isSigned = all.some(({ from }) => from !== undefined)
  return {
    grid: { left: 0, right: 64, top: 2, bottom: 2, containLabel: true },
    xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: all.map(({ name }) => name),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: quiet, width: isSigned ? 230 : 130, overflow: 'truncate', fontSize: 12 },
    },
    series: [
      {
        ...{ type: 'bar', stack: 'all', silent: true, itemStyle: { color: 'transparent' } },
        data: all.map(({ from = 0, to }) => Math.min(from, to)),
      },
      {
        ...{ type: 'bar', stack: 'all', silent: true, barMaxWidth: 18 },
        data: all.map(({ from, to, whole }) => ({
          value: Math.abs(to - (from ?? 0)),
          itemStyle: {
            color: whole === true ? ink : to < (from ?? 0) ? colour('bad') : colour('accent'),
            borderRadius: 3,
          },
        })),
        label: {
          ...{ show: true, position: 'right', color: ink, fontSize: 12 },
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const { from, to, says } = all[dataIndex]!
            if (says !== undefined) return says
            const value = Math.round((to - (from ?? 0)) * 100) / 100
            const written = value.toLocaleString(tag())
            return from !== undefined && value > 0 ? `+${written}` : written
          },
        },
      },
    ],
  }
}

const COLOURS = ['accent', 'series-2', 'series-3', 'series-4', 'series-5']

function columns(drawing: Extract<Drawing, { kind: 'columns' | 'lines' }>, colour: Colour): object {
  const axis = {
    axisLabel: { color: colour('quiet'), fontSize: 12 },
    axisLine: { lineStyle: { color: colour('line') } },
  }
  const isLine = drawing.kind === 'lines'
  return {
    color: COLOURS.map(colour),
    grid: { left: 4, right: 12, top: drawing.series.length > 1 ? 30 : 10, bottom: 4, containLabel: true },
    legend: { show: drawing.series.length > 1, left: 0, top: 0, textStyle: { color: colour('ink') }, itemHeight: 10 },
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true },
    xAxis: { type: 'category', data: drawing.names, axisTick: { show: false }, ...axis },
    yAxis: { type: 'value', splitLine: { lineStyle: { color: colour('line') } }, ...axis, minInterval: isLine ? 0 : 1 },
    series: drawing.series.map(({ name, values }) => ({
      ...{ name, data: values, type: isLine ? 'line' : 'bar', barMaxWidth: 36 },
      ...(isLine ? { symbolSize: 7 } : { stack: drawing.stacked === false ? undefined : 'all' }),
    })),
  }
}

const STATES: Record<string, string> = { error: 'bad', fail: 'bad', warn: 'series-3', skipped: 'quiet' }

/** The box that the points fill, so that one of theirs is one of the screen's. */
function spanOf(nodes: readonly GraphNode[]): { width: number; height: number } {
  const span = (values: number[]) => Math.max(1, Math.max(...values) - Math.min(...values))
  return { width: span(nodes.map(({ x }) => x)), height: span(nodes.map(({ y }) => y)) }
}

function graph(
  nodes: readonly GraphNode[],
  edges: readonly [string, string][],
  names: boolean,
  colour: Colour,
): object {
  return {
    tooltip: {
      renderMode: 'richText',
      confine: true,
      formatter: ({ data }: { data: { says?: string } }) => data.says ?? '',
    },
    series: [
      {
        ...{ type: 'graph', layout: 'none', roam: true, left: 20, top: 12 },
        ...spanOf(nodes),
        ...{ edgeSymbol: ['none', 'arrow'], edgeSymbolSize: 5, scaleLimit: { min: 0.5, max: 8 } },
        lineStyle: { color: colour('quiet'), opacity: names ? 0.5 : 0.18, curveness: 0.12 },
        emphasis: { focus: 'adjacency', lineStyle: { opacity: 1 }, label: { show: true } },
        label: { show: names, position: 'right', color: colour('ink'), fontSize: 11 },
        data: nodes.map(({ id, name, x, y, layer, status, says, chosen }) => ({
          ...{ id, name, x, y, says, symbolSize: chosen ? 16 : 9 },
          itemStyle: {
            color: colour(STATES[status ?? ''] ?? COLOURS[layer % COLOURS.length]!),
            borderColor: colour('ink'),
            borderWidth: chosen ? 2 : 0,
          },
        })),
        links: edges.map(([source, target]) => ({ source, target })),
      },
    ],
  }
}
