import { Evidence } from '../ui.tsx'
import { t } from '../words.ts'

const NOTE = /\[\^([\w-]+)\]/g

/** Headings, lists and strong words of the brief as elements; all else of it is text, and a footnote is told on its mark. */
export function Brief({ markdown }: { markdown: string }) {
  if (markdown === '') return <p class="quiet">{t('none')}</p>
  const lines = markdown.split('\n').filter((line) => line.trim() !== '')
  const notes = new Map(
    lines.flatMap((line) => {
      const found = /^\[\^([\w-]+)\]:\s*(.*)$/.exec(line)
      return found === null ? [] : [[found[1]!, found[2]!] as const]
    }),
  )
  return (
    <>
      {lines
        .filter((line) => !/^\[\^[\w-]+\]:/.test(line))
        .map((line, index) => {
          if (line.startsWith('#')) return <h3 key={index}>{line.replace(/^#+\s*/, '')}</h3>
          const marks = [...line.matchAll(NOTE)].map(([, name]) => notes.get(name!) ?? name!)
          const plain = line.replace(NOTE, '').replace(/^[-*]\s+(\[ \]\s*)?/, '')
          return (
            <p key={index} title={marks.join('; ')}>
              {/^[-*]\s/.test(line) ? '• ' : ''}
              {plain
                .split(/\*\*/)
                .map((part, at) =>
                  at % 2 === 1 ? (
                    <strong key={at}>{part}</strong>
                  ) : part === '' ? (
                    ''
                  ) : (
                    <Evidence key={at} value={part.replaceAll('`', '')} />
                  ),
                )}
            </p>
          )
        })}
    </>
  )
}
