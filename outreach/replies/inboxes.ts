import type { YamlFile } from '../../pipeline/yaml.ts'
import type { Inbox } from '../inbox.ts'
import { loadChannel } from '../load-channel.ts'

/** Where answers arrive, by the channels that `pipeline.yaml` switches on, and every address that is ours. */
export async function inboxesOf(config: YamlFile): Promise<{ inboxes: Inbox[]; own: Set<string> }> {
  const outreach = (config.data as { outreach?: { channels?: Record<string, unknown> } }).outreach
  const inboxes: Inbox[] = []
  const own = new Set<string>()
  for (const [name, given] of Object.entries(outreach?.channels ?? {})) {
    const channel = await loadChannel(name)
    if (channel === undefined) continue
    const settings = channel.settings.parse(given ?? {})
    inboxes.push(...(channel.inboxes?.(settings) ?? []))
    for (const { mailbox } of channel.senders?.(settings) ?? []) own.add(mailbox.toLowerCase())
  }
  return { inboxes, own }
}
