import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useApi } from './api.ts'
import { listenToKeys } from './keys.ts'
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
  { name: 'today', path: '/', fits: /^\/$/, load: async () => (await import('./pages/today.tsx')).Today },
  { name: 'my_day', path: '/day', fits: /^\/day$/, load: async () => (await import('./pages/day.tsx')).Day },
  { name: 'leads', path: '/leads', fits: /^\/leads$/, load: async () => (await import('./pages/leads.tsx')).Leads },
  { name: 'lead', path: '', fits: /^\/leads\/.+$/, load: async () => (await import('./pages/lead.tsx')).Lead },
  {
    name: 'outreach',
    path: '/outreach',
    fits: /^\/outreach$/,
    load: async () => (await import('./pages/outreach.tsx')).Outreach,
  },
  { name: 'crm', path: '/crm', fits: /^\/crm$/, load: async () => (await import('./pages/crm.tsx')).Crm },
  {
    name: 'review',
    path: '/review',
    fits: /^\/review$/,
    load: async () => (await import('./pages/review.tsx')).Review,
  },
  {
    name: 'pipeline',
    path: '/pipeline',
    fits: /^\/pipeline$/,
    load: async () => (await import('./pages/pipeline.tsx')).Pipeline,
  },
  {
    name: 'scores',
    path: '/scores',
    fits: /^\/scores$/,
    load: async () => (await import('./pages/scores.tsx')).Scores,
  },
  { name: 'ask', path: '/ask', fits: /^\/ask$/, load: async () => (await import('./pages/ask.tsx')).Ask },
]

/** A site that was written out, with no server behind it, has the pages about the project alone. */
const isStatic = document.documentElement.dataset.static !== undefined
const SHOWN = isStatic ? PAGES.filter(({ name }) => name === 'pipeline') : PAGES

/** What stands around every page: where to go, the stop button, the language, the colours. */
export function Shell() {
  const place = usePlace()
  const page = SHOWN.find(({ fits }) => fits.test(place.path)) ?? SHOWN[0]!
  const [shown, show] = useState<{ page: Page; Component: ComponentType<{ place: Place }> }>()
  const [spoken, speak] = useState(language())
  const help = useRef<HTMLDialogElement>(null)
  useEffect(() => listenToKeys(() => help.current?.showModal()), [])
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
        <strong class="brand">Lead Engine</strong>
        <nav aria-label={t('pages')}>
          {SHOWN.filter(({ path }) => path !== '').map(({ name, path }) => (
            <a
              key={name}
              href={isStatic ? '?' : path}
              data-in
              aria-current={page.path === path || (page.name === 'lead' && name === 'leads') ? 'page' : undefined}
            >
              {t(name)}
            </a>
          ))}
        </nav>
        <div class="tools">
          {!isStatic && <Who />}
          {!isStatic && <Stop />}
          <button type="button" class="plain" onClick={swap} lang={spoken === 'en' ? 'pt' : 'en'}>
            {t('language')}
          </button>
          <button type="button" class="plain" onClick={swapTheme}>
            {t('theme')}
          </button>
          <button type="button" class="plain" onClick={() => help.current?.showModal()}>
            {t('help')}
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <h1>{t(page.name)}</h1>
        {shown?.page === page ? <shown.Component place={place} /> : <p class="quiet">{t('loading')}</p>}
      </main>
      <dialog ref={help} aria-label={t('help')}>
        <h2>{t('help')}</h2>
        <dl>
          {(['key_search', 'key_go', 'key_move', 'key_act', 'key_leads'] as const).map((word) => {
            const [keys = '', says = ''] = t(word).split(': ')
            return [<dt key={word}>{keys}</dt>, <dd key={`${word} says`}>{says}</dd>]
          })}
        </dl>
        <form method="dialog">
          <button type="submit" class="main">
            {t('close')}
          </button>
        </form>
      </dialog>
    </div>
  )
}

function Who() {
  const { data } = useApi<{ name: string; role: string }>('/v1/me')
  return data === undefined || data.name === 'local' ? null : (
    <span class="quiet">
      {data.name} · {data.role}
    </span>
  )
}

const THEME = 'lead-engine-theme'
const kept = localStorage.getItem(THEME)
if (kept === 'light' || kept === 'dark') document.documentElement.dataset.theme = kept

function swapTheme(): void {
  const root = document.documentElement
  const isDark =
    root.dataset.theme === 'dark' ||
    (root.dataset.theme === undefined && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = isDark ? 'light' : 'dark'
  localStorage.setItem(THEME, root.dataset.theme)
}
