import { openCore, type Rows } from './scene.ts'

/** One sync as a process of its own, so that it can be killed: `node worker.mjs '<json>'`. Prints its summary at the end. */
export interface Work extends Rows {
  root: string
  crm: string
  settings: Record<string, unknown>
  /** Object → YAML. */
  mappings: Record<string, string>
}

async function main({ root, crm, settings, mappings, ...rows }: Work): Promise<void> {
  const core = await openCore({ root, crm, settings, mappings, file: true, limited: false })
  const { counts, failures, seconds } = await core.run(rows)
  const { rss } = process.memoryUsage()
  console.log(JSON.stringify({ ...counts, failures, seconds, rss, cpu: process.cpuUsage() }))
}

main(JSON.parse(process.argv[2]!) as Work).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
