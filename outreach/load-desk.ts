import type { Project } from '../pipeline/load.ts'
import { validate } from '../pipeline/yaml.ts'
import type { Desk, Switched } from './desk.ts'
import { loadChannel } from './load-channel.ts'

/** The channels that a checked project has switched on, for who shows messages without running anything. */
export async function loadDesk({ config }: Project): Promise<Desk['channels']> {
  const section = (config.data.outreach ?? {}) as { channels?: Record<string, unknown> }
  const entries = await Promise.all(
    Object.keys(section.channels ?? {}).map(async (name): Promise<[string, Switched]> => {
      const channel = (await loadChannel(name))!
      const settings = validate(channel.settings, config.yaml, [], ['outreach', 'channels', name]) ?? {}
      return [name, { channel, settings, senders: channel.senders?.(settings) ?? [] }]
    }),
  )
  return new Map(entries)
}
