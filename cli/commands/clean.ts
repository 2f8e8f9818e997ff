import { rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, holdingLedger } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('clean')
    .description('delete target/ and the private build file; the ledger and what is published stay')
  addCommonOptions(command).action(
    action<CommonOptions>(async (session, options) => {
      const { report, root } = session
      const { config } = await session.load()
      const places = placesOf(root, config.target)
      return holdingLedger(session, options.wait, places.ledger, async () => {
        for (const folder of [join(root, 'target'), dirname(places.build)]) {
          rmSync(folder, { recursive: true, force: true })
          report.line(`deleted ${relative(root, folder)}`)
        }
        return 0
      })
    }),
  )
}
