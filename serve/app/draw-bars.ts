import { BarChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { Bar } from './chart.tsx'

use([BarChart, GridComponent, CanvasRenderer])

/** Draws until the returned function is called. Names are painted, never parsed. */
export function drawBars(place: HTMLElement, bars: readonly Bar[]): () => void {
  const chart = init(place, undefined, { renderer: 'canvas' })
  const draw = () => {
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const [ink, good, bad] = [colour('--ink'), colour('--accent'), colour('--bad')]
    chart.setOption({
      animation: false,
      grid: { left: 8, right: 56, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: {
        type: 'category',
        inverse: true,
        data: bars.map(({ name }) => name),
        axisTick: { show: false },
        axisLine: { show: false },
        axisLabel: { color: ink, width: 180, overflow: 'truncate' },
      },
      series: [
        {
          type: 'bar',
          stack: 'all',
          silent: true,
          itemStyle: { color: 'transparent' },
          data: bars.map(({ from = 0, to }) => Math.min(from, to)),
        },
        {
          type: 'bar',
          stack: 'all',
          silent: true,
          data: bars.map(({ from = 0, to }) => ({
            value: Math.abs(to - from),
            itemStyle: { color: to < from ? bad : good },
          })),
          label: {
            show: true,
            position: 'right',
            color: ink,
            formatter: ({ dataIndex }: { dataIndex: number }) => {
              const { from = 0, to } = bars[dataIndex]!
              const value = Math.round((to - from) * 100) / 100
              return bars[dataIndex]!.from === undefined ? value.toLocaleString() : `${value > 0 ? '+' : ''}${value}`
            },
          },
        },
      ],
    })
  }
  draw()
  const resized = new ResizeObserver(() => chart.resize())
  resized.observe(place)
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  scheme.addEventListener('change', draw)
  return () => {
    resized.disconnect()
    scheme.removeEventListener('change', draw)
    chart.dispose()
  }
}
