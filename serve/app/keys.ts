import { go } from './place.ts'

/** After `g`: where each letter leads. */
export const PLACES: Record<string, string> = {
  ...{
    t: '/',
    d: '/day',
    l: '/leads',
    o: '/outreach',
    c: '/crm',
    r: '/review',
    p: '/pipeline',
    s: '/scores',
    a: '/ask',
  },
}

let leaving = false

/**
 * One way for every page: `/` searches, `g` and a letter goes, `j` and `k` move over what is marked `data-item`, and any other
 * letter presses the button of that `data-key` in the item that has the focus. `?` asks for help.
 */
export function listenToKeys(help: () => void): () => void {
  const pressed = (event: KeyboardEvent) => {
    const from = event.target as HTMLElement
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(from.tagName)) {
      if (event.key === 'Escape') from.blur()
      return
    }
    const { key } = event
    const wasLeaving = leaving
    leaving = key === 'g' && !wasLeaving
    if (wasLeaving && PLACES[key] !== undefined) go(PLACES[key])
    else if (key === '/') document.getElementById('search')?.focus()
    else if (key === '?') help()
    else if (key === 'j' || key === 'k') move(key === 'j' ? 1 : -1)
    else if (!/^[a-z0-9]$/.test(key) || !press(key)) return
    event.preventDefault()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

function move(by: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>('[data-item]')]
  const at = items.findIndex((item) => item.contains(document.activeElement))
  const next = items[Math.min(items.length - 1, Math.max(0, at + by))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

function press(key: string): boolean {
  const button = document.activeElement?.closest('[data-item]')?.querySelector<HTMLElement>(`[data-key="${key}"]`)
  button?.click()
  return button !== null && button !== undefined
}
