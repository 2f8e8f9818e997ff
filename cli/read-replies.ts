import { join } from 'node:path'
import { inboxesOf } from '../outreach/replies/inboxes.ts'
import { readInbox } from '../outreach/replies/read-inbox.ts'
import { loadRules } from '../outreach/replies/rules.ts'
import { EXIT, messageOf, RemoteError } from '../pipeline/errors.ts'
import { createMail } from '../pipeline/mail.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { withFreeHttp } from './free-http.ts'
import type { CommandSession } from './session.ts'
import { realEffects } from './session.ts'

/** A server may drop a connection that says nothing for half an hour. */
const IDLE_MS = 5 * 60_000
const AGAIN_MS = 60_000

/**
 * Reads every mailbox into `data/incoming/`, side by side, and with `watch` waits for more until Ctrl-C. It holds no ledger:
 * the next run takes in what it left. Exit 3 when a mailbox could not be read.
 */
export async function readReplies(session: CommandSession, watch: boolean): Promise<number> {
  const { report, load, root, invocation_id } = session
  const project = await load()
  const { inboxes, own } = await inboxesOf(project.config.yaml)
  if (inboxes.length === 0) {
    report.line('no mailbox says how to read it: give one `imap` in pipeline.yaml')
    return EXIT.ok
  }
  const effects = realEffects()
  const { data } = placesOf(root, project.config.target)
  const heard = new Map<string, number>()
  const rules = loadRules()
  let failed = 0
  await withFreeHttp(project, invocation_id, effects, async (http) => {
    const { now, signal, sleep } = effects
    const mail = createMail({ http, now, signal })
    const world = {
      mail,
      rules,
      data,
      own,
      now,
      signal,
      heard: (what: string) => heard.set(what, (heard.get(what) ?? 0) + 1),
    }
    await Promise.all(
      inboxes.map(async (inbox) => {
        for (;;) {
          try {
            await readInbox(inbox, world, join(data, 'replies.json'), watch ? IDLE_MS : 0)
          } catch (error) {
            if (!(error instanceof RemoteError)) throw error
            failed++
            report.problem(`${inbox.server.host}: ${messageOf(error)}`)
          }
          if (!watch || signal.aborted) return
          await sleep(AGAIN_MS, signal).catch(() => {})
        }
      }),
    )
  })
  const told = [...heard].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `${n} ${what}`)
  const all = [...heard.values()].reduce((sum, n) => sum + n, 0)
  report.line(`${all} read${told.length > 0 ? ` (${told.join(', ')})` : ''}; the next run takes them in`)
  return failed > 0 ? EXIT.remote : EXIT.ok
}
