import { pluginNames } from '../pipeline/code-root.ts'
import type { Channel } from './define.ts'

/** The channel of that file name; undefined when there is no such file. */
export async function loadChannel(name: string): Promise<Channel | undefined> {
  if (!pluginNames('outreach', 'channels').includes(name)) return undefined
  return ((await import(`./channels/${name}.ts`)) as { default: Channel }).default
}
