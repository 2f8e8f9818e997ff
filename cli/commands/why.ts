import type { Command } from 'commander'
import { loadIcp } from '../../ingest/icp-load.ts'
import { ingestChapters, judgeUnknown, whoIs } from '../../ingest/why.ts'
import { fieldChapter } from '../../ingest/why-field.ts'
import { outreachChapter } from '../../outreach/why.ts'
import { type Problem, ProjectError } from '../../pipeline/errors.ts'
import type { Chapter, Library, Whom } from '../../pipeline/story.ts'
import { BUILD } from '../../pipeline/warehouse/session.ts'
import { scoringChapter } from '../../scoring/why.ts'
import { syncChapter } from '../../sync/why.ts'
import { gateChapter } from '../gate.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { openToRead } from '../read-session.ts'
import { action, type CommandSession, realEffects } from '../session.ts'

type Options = CommonOptions & { field?: string }

export function register(program: Command): void {
  const command = program
    .command('why')
    .description('the story of a company or person, in order: found, judged, bought, scored, written to, synced')
    .argument('<key>', 'an id, e-mail, domain, CNPJ or name')
  addCommonOptions(command)
    .option(
      '--field <column>',
      'one value of the company or person: its origin, price, ground and the values that it beat',
    )
    .action(action<Options>((session, options, [key]) => why(session, options, key!)))
}

async function why(session: CommandSession, options: Options, key: string): Promise<number> {
  const { report } = session
  const project = await session.load()
  const as_of = realEffects().now().toISOString().slice(0, 10)
  const { connection, close } = await openToRead(project, as_of)
  try {
    const there = await connection.rows<{ name: string }>(`
      select schema_name || '.' || table_name as name from duckdb_tables() where database_name = '${BUILD}'
      union all
      select schema_name || '.' || view_name from duckdb_views() where database_name = '${BUILD}' and not internal`)
    const names = new Set(there.map(({ name }) => name))
    const library: Library = { connection, as_of, has: (relation) => names.has(relation) }
    const whom = await whoIs(library, key)
    const chapters = await tell(library, whom, key, options, project)
    const told = chapters.filter(({ lines }) => lines.length > 0)
    if (options.output === 'json') report.json({ ...whom, chapters: told })
    else {
      const format = options.output
      report.out(told.map((chapter) => chapterText(chapter, format)).join('\n\n'))
    }
    return 0
  } finally {
    close()
  }
}

async function tell(
  library: Library,
  whom: Whom,
  key: string,
  { field }: Options,
  { root, config }: Awaited<ReturnType<CommandSession['load']>>,
): Promise<Chapter[]> {
  if (whom.company_ids.length === 0) {
    const problems: Problem[] = []
    const { icp: file } = config.data.discovery as { icp: string }
    const icp = loadIcp(root, file, problems)
    if (icp === undefined) throw new ProjectError(problems)
    return [await judgeUnknown(library, icp, key)]
  }
  if (field !== undefined) return [await fieldChapter(library, whom, field)]
  return [
    ...(await ingestChapters(library, whom)),
    await scoringChapter(library, whom),
    await outreachChapter(library, whom),
    await syncChapter(library, whom),
    await gateChapter(library, whom),
  ]
}

function chapterText({ title, lines }: Chapter, format: 'text' | 'markdown'): string {
  const heading = format === 'markdown' ? `### ${title}\n` : `${title}\n${'-'.repeat(title.length)}`
  const mark = format === 'markdown' ? '- ' : ''
  return [heading, ...lines.map(({ at, text }) => `${mark}${at === null ? '' : `${at}  `}${text}`)].join('\n')
}
