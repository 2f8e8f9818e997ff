import type { Command } from 'commander'
import { classifyPaths } from '../../outreach/replies/read-files.ts'
import { loadRules } from '../../outreach/replies/rules.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action } from '../session.ts'

/** What comes back. */
export function register(program: Command): void {
  const replies = addCommonOptions(
    program.command('replies').description('reads what came back in the mailboxes, for the next run to take in'),
  )
    .option('--watch', 'wait for more, until Ctrl-C', false)
    .action(
      action<CommonOptions & { watch: boolean }>(async (session, { watch }) => {
        const { readReplies } = await import('../read-replies.ts')
        return readReplies(session, watch)
      }),
    )
  addCommonOptions(
    replies
      .command('classify <paths...>')
      .description(
        'what .eml and .mbox files, folders, or the column `text` of a CSV say; needs no project, touches nothing',
      ),
  ).action(
    action<CommonOptions>(async ({ report }, { output }, paths) => {
      let messages = 0
      for await (const message of classifyPaths(paths, loadRules(), new Date().toISOString().slice(0, 10))) {
        const { file, row, class: what, sentiment, kind, status, reason, again_on } = message
        messages++
        const place = row === null ? file : `${file}:${row}`
        const told = [place, what, sentiment, kind, status, reason, again_on].map((each) => each ?? '')
        report.out(output === 'json' ? JSON.stringify(message) : told.join('\t').trimEnd())
      }
      report.line(`${messages} messages`)
      return 0
    }),
  )
}
