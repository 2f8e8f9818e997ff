import { rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { acquireLock } from '../../pipeline/warehouse/lock.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('clean')
    .description('delete target/ and the private build file; the ledger and what is published stay')
  addCommonOptions(command).action(
    action<CommonOptions>(async ({ report, root, load, typed }) => {
      const { config } = await load()
      const places = placesOf(root, config.target)
      const lock = acquireLock(places.ledger, typed, new Date())
      try {
        for (const folder of [join(root, 'target'), dirname(places.build)]) {
          rmSync(folder, { recursive: true, force: true })
          report.line(`deleted ${relative(root, folder)}`)
        }
      } finally {
        lock.release()
      }
      return 0
    }),
  )
}
