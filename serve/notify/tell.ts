import { messageOf } from '../../pipeline/errors.ts'
import type { HttpFactory } from '../../pipeline/http.ts'
import type { Mail } from '../../pipeline/mail.ts'
import type { Incident } from './incidents.ts'
import type { NotifySettings } from './settings.ts'
import type { NotifyState } from './state.ts'

export interface Telling {
  http: HttpFactory
  mail: Mail
  now(): Date
  /** Before a page's path: `https://leads.example.com`. */
  public_url: string | undefined
  /** After each message that went out, so that it goes out once. */
  save(state: NotifyState): void
}

/** A reply is told once for ever; for the file's sake for a month. */
const REPLIES_KEPT_MS = 30 * 86_400_000

interface Channel {
  /** As the state names it. */
  name: string
  send(incidents: readonly Incident[]): Promise<void>
}

/**
 * Tells what was not told yet, each channel once an incident, and forgets what is over. What a channel refuses is told again
 * the next time. Answers how many were told, and what went wrong.
 */
export async function tell(
  incidents: readonly Incident[],
  settings: NotifySettings,
  before: NotifyState,
  world: Telling,
): Promise<{ told: number; failed: string[] }> {
  const state = { ...before, told: stillTrue(before.told, incidents, world.now()) }
  const failed: string[] = []
  let told = 0
  for (const [channel, own] of byChannel(incidents, settings, world)) {
    const fresh = own.filter(({ key }) => state.told[`${channel.name} ${key}`] === undefined)
    if (fresh.length === 0) continue
    try {
      await channel.send(fresh)
      for (const { key } of fresh) state.told[`${channel.name} ${key}`] = world.now().toISOString()
      told += fresh.length
      world.save(state)
    } catch (error) {
      failed.push(`${channel.name}: ${messageOf(error).split('\n')[0]}`)
    }
  }
  world.save(state)
  return { told, failed }
}

function stillTrue(told: NotifyState['told'], incidents: readonly Incident[], now: Date): NotifyState['told'] {
  const keys = new Set(incidents.map(({ key }) => key))
  const kept = Object.entries(told).filter(([name, at]) => {
    const key = name.slice(name.indexOf(' ') + 1)
    return keys.has(key) || (key.startsWith('interested:') && now.getTime() - Date.parse(at) < REPLIES_KEPT_MS)
  })
  return Object.fromEntries(kept)
}

function byChannel(incidents: readonly Incident[], settings: NotifySettings, world: Telling): [Channel, Incident[]][] {
  const { webhook, email, owners } = settings
  const channels = new Map<string, [Channel, Incident[]]>()
  const add = (channel: Channel, incident: Incident) => {
    const found = channels.get(channel.name) ?? [channel, []]
    found[1].push(incident)
    channels.set(channel.name, found)
  }
  for (const incident of incidents) {
    const owner =
      incident.owner === undefined || !Object.hasOwn(owners, incident.owner) ? undefined : owners[incident.owner]
    if (owner?.webhook !== undefined) add(byWebhook(`webhook:${incident.owner}`, owner.webhook, world), incident)
    if (owner?.email !== undefined && email !== undefined)
      add(byMail(`email:${incident.owner}`, { ...email, to: [owner.email] }, world), incident)
    if (owner !== undefined && (owner.webhook !== undefined || (owner.email !== undefined && email !== undefined)))
      continue
    if (webhook !== undefined) add(byWebhook('webhook', webhook, world), incident)
    if (email !== undefined) add(byMail('email', email, world), incident)
  }
  return [...channels.values()]
}

function byWebhook(name: string, address: string, { http, public_url }: Telling): Channel {
  const { origin, pathname, search } = new URL(address)
  return {
    name,
    async send(incidents) {
      const lines = incidents.map(({ text, path }) => {
        const shown = escapeSlack(text)
        return public_url === undefined ? `• ${shown}` : `• ${shown} <${linkTo(public_url, path)}|open>`
      })
      const limits = { timeout_s: 10, retries: 2 }
      const service = http({ service: 'notify', base_url: origin, limits, record: false })
      await service.send({ method: 'POST', path: `${pathname}${search}`, body: { text: lines.join('\n') } })
    },
  }
}

function byMail(
  name: string,
  email: NonNullable<NotifySettings['email']>,
  { mail, now, public_url }: Telling,
): Channel {
  const { from, to, smtp } = email
  return {
    name,
    async send(incidents) {
      const lines = incidents.map(({ text, path }) => {
        const line = `- ${text.replaceAll(/\s+/g, ' ')}`
        return public_url === undefined ? line : `${line}\n  ${linkTo(public_url, path)}`
      })
      const at = now().toISOString()
      const { host, port, user, pass, tls } = smtp
      const login = user === undefined ? {} : { login: { user, ...(pass === undefined ? {} : { pass }) } }
      const delivery = await mail.deliver(
        { host, port, tls, ...login },
        {
          message_id: `<notify-${at.replaceAll(/\D/g, '')}@${from.split('@')[1]}>`,
          date: at,
          from: { name: 'Lead Engine', address: from },
          to: to.join(', '),
          // Nothing that came from outside gets into a header.
          subject: `Lead Engine: ${incidents.length === 1 ? 'something needs you' : `${incidents.length} things need you`}`,
          text: `${lines.join('\n')}\n`,
          headers: { 'Auto-Submitted': 'auto-generated' },
          envelope: { from, to },
        },
      )
      if (delivery.outcome !== 'accepted' && delivery.outcome !== 'ambiguous')
        throw new Error(`the mail server refused: ${delivery.response}`)
    },
  }
}

function linkTo(public_url: string, path: string): string {
  return `${public_url.replace(/\/$/, '')}${path}`
}

/** What Slack reads as a mention, a channel or a link stays text. */
function escapeSlack(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
