import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { followLink, type Place, usePlace } from './place.ts'
import { Stop } from './stop.tsx'
import { language, setLanguage, t, type Word } from './words.ts'

interface Page {
  name: Word
  path: string
  fits: RegExp
  load(): Promise<ComponentType<{ place: Place }>>
}

const PAGES: readonly Page[] = [
  { name: 'today', path: '/', fits: /^\/$/, load: () => import('./pages/today.tsx').then(({ Today }) => Today) },
  {
    name: 'leads',
    path: '/leads',
    fits: /^\/leads$/,
    load: () => import('./pages/leads.tsx').then(({ Leads }) => Leads),
  },
  { name: 'lead', path: '', fits: /^\/leads\/.+$/, load: () => import('./pages/lead.tsx').then(({ Lead }) => Lead) },
  {
    name: 'outreach',
    path: '/outreach',
    fits: /^\/outreach$/,
    load: () => import('./pages/outreach.tsx').then(({ Outreach }) => Outreach),
  },
]

/** What stands around every page: where to go, the stop button, the language, the colours. */
export function Shell() {
  const place = usePlace()
  const page = PAGES.find(({ fits }) => fits.test(place.path)) ?? PAGES[0]!
  const [shown, show] = useState<{ page: Page; Component: ComponentType<{ place: Place }> }>()
  const [spoken, speak] = useState(language())
  useEffect(() => {
    let current = true
    void page.load().then((Component) => current && show({ page, Component }))
    document.title = `${t(page.name)} · Lead Engine`
    document.documentElement.lang = spoken
    return () => {
      current = false
    }
  }, [page, spoken])
  const swap = () => {
    const next = spoken === 'en' ? 'pt' : 'en'
    setLanguage(next)
    speak(next)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: links inside are what is clicked; here they are only followed.
    // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on a link is a click.
    <div onClick={followLink} key={spoken}>
      <a class="skip" href="#content">
        {t('skip')}
      </a>
      <header>
        <strong>Lead Engine</strong>
        <nav aria-label={t('pages')}>
          {PAGES.filter(({ path }) => path !== '').map(({ name, path }) => (
            <a key={name} href={path} data-in aria-current={page.path === path ? 'page' : undefined}>
              {t(name)}
            </a>
          ))}
        </nav>
        <Stop />
        <button type="button" onClick={swap} lang={spoken === 'en' ? 'pt' : 'en'}>
          {t('language')}
        </button>
        <button type="button" onClick={swapTheme}>
          {t('theme')}
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        <h1>{t(page.name)}</h1>
        {shown?.page === page ? <shown.Component place={place} /> : <p class="quiet">{t('loading')}</p>}
      </main>
    </div>
  )
}

const THEME = 'lead-engine-theme'
const kept = localStorage.getItem(THEME)
if (kept !== null) document.documentElement.dataset.theme = kept

function swapTheme(): void {
  const root = document.documentElement
  const isDark =
    root.dataset.theme === 'dark' ||
    (root.dataset.theme === undefined && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = isDark ? 'light' : 'dark'
  localStorage.setItem(THEME, root.dataset.theme)
}
