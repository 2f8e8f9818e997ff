import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { filesNaming } from '../pipeline/forget/files.ts'
import { type Names, theirRows } from '../pipeline/forget/names.ts'
import { declaredBy, surveyed } from '../pipeline/forget/survey.ts'
import type { Project } from '../pipeline/load.ts'
import type { Effects } from '../pipeline/run.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { LEDGER, type Session } from '../pipeline/warehouse/session.ts'
import { forgetInCrms } from '../sync/forget.ts'
import type { CommandSession } from './session.ts'

/** What is held of somebody where no file of ours is, and who has to be asked for it. */
export async function beyondReach(given: {
  session: CommandSession
  project: Project
  opened: Session
  names: Names
  effects: Effects
  dry_run: boolean
}): Promise<string[]> {
  const { project, opened, names } = given
  return [
    ...(await inCrms(given)),
    ...(await sentTo(opened, project, names)),
    ...ledgerCopies(project),
    ...filesElsewhere(given.session.root, project, names),
    'copies that others took: BI tools and spreadsheets that read data/warehouse.duckdb or data/exports',
    'backups of this machine, and `pipeline ledger backup` files outside of data/',
  ]
}

async function inCrms({
  project,
  opened,
  names,
  effects,
  dry_run,
}: Parameters<typeof beyondReach>[0]): Promise<string[]> {
  return forgetInCrms({ project, connection: opened.connection, names, effects, dry_run })
}

async function sentTo({ connection }: Session, project: Project, names: Names): Promise<string[]> {
  const tables = await surveyed(connection, LEDGER, declaredBy(project.graph, project.tables))
  const events = tables.find(({ name }) => name === 'outreach__events')
  const where = events === undefined ? undefined : theirRows(events, names)
  if (events === undefined || where === undefined) return []
  const rows = await connection.rows<{ mailbox: string | null; n: number }>(
    `select mailbox, count(distinct event_id) as n from ${events.place} where ${where} and sent_at is not null group by all order by mailbox`,
  )
  return rows.map(
    ({ mailbox, n }) =>
      `${n} sent ${n === 1 ? 'message' : 'messages'} and their answers in the mailbox ${mailbox ?? 'of whoever did it by hand'}`,
  )
}

function ledgerCopies({ config }: Project): string[] {
  const { ledger } = config.target
  return typeof ledger === 'string' ? [] : [`earlier copies of the ledger at its home (${ledger.push})`]
}

/** Files of the project and of data/ that name them and are no work of ours: sources of bulk providers, git and its history. */
function filesElsewhere(root: string, project: Project, names: Names): string[] {
  const { data, ledger, build, warehouse } = placesOf(root, project.config.target)
  const ours = [
    ledger,
    build,
    join(data, 'incoming'),
    join(data, 'lake'),
    join(data, 'replays'),
    join(data, '.build'),
    join(data, '.published'),
  ]
  const skip = (path: string) =>
    ours.some((own) => path.startsWith(own)) || path.endsWith('.lock') || path === warehouse
  const lines = filesNaming(data, names, skip).map(
    (path) => `${relative(root, path)} names them: it is no file that we wrote`,
  )
  if (!existsSync(join(root, '.git'))) return lines
  for (const word of [...names.emails, ...names.profiles]) {
    const found = grep(root, word)
    lines.push(...found.map((file) => `${file} is in git and names them: mend it, and its history`))
  }
  return [...new Set(lines)]
}

function grep(root: string, word: string): string[] {
  try {
    const found = execFileSync('git', ['grep', '-l', '-i', '-F', word], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return found.split('\n').filter((file) => file !== '')
  } catch {
    return []
  }
}
