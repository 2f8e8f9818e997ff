// HubSpot's stand-in on a port, for runs by hand: node bench/hubspot-server.mjs [port] [journal.jsonl]
// Its admin port (the next one) has /journal, /dump, /seed and /faults.
import { rmSync } from 'node:fs'
import { loadFake } from './hubspot-fake.mjs'

const [port = '18080', file] = process.argv.slice(2)
const { module, folder } = await loadFake()
const hubspot = await module.fakeHubspot({
  port: Number(port),
  admin_port: Number(port) + 1,
  file,
  limits: { max: 190, daily: 1_000_000, search_per_second: 5 },
})
console.log(
  `HubSpot's stand-in: ${hubspot.base_url}, account 123456, token ${module.TOKEN}; admin ${hubspot.admin_url}`,
)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    await hubspot.close()
    rmSync(folder, { recursive: true, force: true })
  })
