import { useEffect, useState } from 'preact/hooks'

const listeners = new Set<() => void>()

/** Goes to an address of the dashboard without loading it again. */
export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  for (const listener of listeners) listener()
}

addEventListener('popstate', () => {
  for (const listener of listeners) listener()
})

export interface Place {
  path: string
  search: string
}

/** Where the reader is; links inside the dashboard change it in place. */
export function usePlace(): Place {
  const read = () => ({ path: location.pathname, search: location.search })
  const [place, setPlace] = useState<Place>(read)
  useEffect(() => {
    const listener = () => setPlace(read())
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
  return place
}

/** For a click on anything: true when it was a link of ours, and is followed here. */
export function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return
  const link = (event.target as Element | null)?.closest?.('a[data-in]')
  if (!(link instanceof HTMLAnchorElement)) return
  event.preventDefault()
  go(link.pathname + link.search)
}
