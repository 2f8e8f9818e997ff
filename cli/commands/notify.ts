import { join } from 'node:path'
import type { Command } from 'commander'
import { EXIT } from '../../pipeline/errors.ts'
import { createMail } from '../../pipeline/mail.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { gatherFacts } from '../../serve/notify/facts.ts'
import { incidentsOf } from '../../serve/notify/incidents.ts'
import { settings as notifySettings } from '../../serve/notify/settings.ts'
import { readState, writeState } from '../../serve/notify/state.ts'
import { tell } from '../../serve/notify/tell.ts'
import { withFreeHttp } from '../free-http.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, realEffects } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('notify')
    .description('tell what needs a person, once each, by webhook and e-mail; holds no ledger')
    .option('--dry-run', 'show what stands, and tell nobody', false)
  addCommonOptions(command).action(
    action<CommonOptions & { dryRun: boolean }>(async (session, { dryRun, output }) => {
      const project = await session.load()
      const { config, root } = project
      const settings = notifySettings.parse(config.data.notify ?? {})
      const places = placesOf(root, config.target)
      const effects = realEffects()
      const file = join(places.data, 'notify.json')
      const gathered = await gatherFacts(
        { ...places, root },
        config.data,
        settings.approvals_hours,
        readState(file),
        effects.now(),
      )
      const incidents = incidentsOf(gathered.facts, settings)
      if (output === 'json') session.report.json({ incidents })
      else for (const { key, text } of incidents) session.report.out(`${key}\t${text}`)
      if (dryRun) return EXIT.ok
      const { public_url } = (config.data.serve ?? {}) as { public_url?: string }
      const { told, failed } = await withFreeHttp(project, session.invocation_id, effects, (http) => {
        const { now, signal } = effects
        const mail = createMail({ http, now, signal })
        const save = (state: typeof gathered.state) => writeState(file, state)
        return tell(incidents, settings, gathered.state, { http, mail, now, public_url, save })
      })
      for (const problem of failed) session.report.problem(problem)
      session.report.line(
        `${incidents.length} ${incidents.length === 1 ? 'thing needs' : 'things need'} a person, ${told} told now`,
      )
      return failed.length > 0 ? EXIT.remote : EXIT.ok
    }),
  )
}
