import { Argument, type Command } from 'commander'
import { PAUSE_SCOPES, type PauseScope } from '../../pipeline/pauses.ts'
import { leaveMessage } from '../incoming-message.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action } from '../session.ts'

const WHAT = ['spend', 'send', 'sync', 'all']

/** Adds `pause`, or `resume`, which say the same words. */
export function registerPausing(program: Command, kind: 'pause' | 'resume', description: string): void {
  const command = program
    .command(kind)
    .description(description)
    .addArgument(new Argument('[what]', 'spend, send, sync or all').choices(WHAT))
    .option('--sequence <name>', 'only messages of this sequence')
    .option('--mailbox <address>', 'only messages from this mailbox')
    .option('--account <name>', 'only what goes through this account: a provider, a CRM, a LinkedIn profile')
  addCommonOptions(command).action(
    action<CommonOptions & PauseScope>(async (session, options, args) => {
      const scope = Object.fromEntries(
        PAUSE_SCOPES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
      )
      const what = args[0] ?? (kind === 'pause' || Object.keys(scope).length > 0 ? 'all' : undefined)
      const message = await leaveMessage(session, kind, { ...(what === undefined ? {} : { what }), ...scope })
      const of = Object.entries(scope).map(([name, value]) => ` of ${name} ${value}`)
      if (options.output === 'json') session.report.json(message)
      session.report.line(`${kind === 'pause' ? 'paused' : 'resumed'}: ${what ?? 'everything'}${of.join('')}`)
      return 0
    }),
  )
}

export function register(program: Command): void {
  registerPausing(program, 'pause', 'hold spending, sending or syncing; in force at once, also for a run under way')
}
