import type { z } from 'zod'
import type { Http, HttpOptions } from '../pipeline/http.ts'
import type { Mail } from '../pipeline/mail.ts'
import type { Check } from '../pipeline/room.ts'
import type { Inbox } from './inbox.ts'
import type { Address, Delivery, Letter, Message, Sender, Tasks, Writing } from './letter.ts'

export * from './for-channels.ts'

/** A way to reach somebody: one file in `outreach/channels/`, named as it appears in SQL and YAML. */
export interface Channel<Settings extends z.ZodObject = z.ZodObject> {
  /** As people know it. */
  title: string
  /** The rules we write by: the vendor's documentation or terms. */
  docs: string
  /** What `pipeline.yaml` may say below its name. Strict; secrets come as `${NAME}`. */
  settings: Settings
  /** `machine`: `pipeline send` delivers it. `person`: it becomes a task that somebody does by hand and marks done. */
  done_by: 'machine' | 'person'
  /** The column of a lead that says where a message goes; a lead without it is skipped: `no_<address>`. */
  address: Address
  /** Whether a message has a subject line. Templates are held to it. */
  subject: boolean
  /** Who may send; a lead keeps the sender that began. Absent: nobody is named. */
  senders?(settings: z.output<Settings>): readonly Sender[]
  /** Why this message cannot go this way, as a snake_case reason without personal data; undefined when it can. */
  refuses(message: Message): string | undefined
  /** Why nothing may leave under these settings at all, as a snake_case reason. */
  lacks?(settings: z.output<Settings>): string | undefined
  /** All that the other person will see of it: what is approved, to the byte. Absent: subject and text as they are. */
  compose?(settings: z.output<Settings>, writing: Writing): Letter
  /** Base URL, headers and limits, where messages leave over HTTP; undefined where these settings do not. */
  http?(settings: z.output<Settings>): Omit<HttpOptions, 'service'> | undefined
  /** Hands over one message, once. What the other side says, or does not say, is an answer; it throws for nothing but bugs. */
  send?(context: Sending<z.output<Settings>>, letter: Letter): Promise<Delivery>
  /** After a crash, or an answer that never came: what is known of a message that may have left. RemoteError: ask later. */
  look_up?(context: Sending<z.output<Settings>>, letter: Letter): Promise<Trace>
  /** Where answers arrive, for `pipeline replies`. */
  inboxes?(settings: z.output<Settings>): readonly Inbox[]
  /** For `pipeline debug`: can it send, and will what it sends be believed? Sends nothing. */
  checks?(settings: z.output<Settings>): readonly ChannelCheck[]
  /** What becomes of a message that a person says. */
  tasks?: Tasks<z.output<Settings>>
}

/** What a channel may use to send. */
export interface Sending<Settings> {
  /** Its settings, checked. */
  settings: Settings
  /** Mail servers. */
  mail: Mail
  /** Its service, where it has `http`. */
  http: Http | undefined
  /** The wall clock. */
  now(): Date
  /** When the message was about to leave, ISO 8601 UTC: the moment of its intent. */
  claimed_at: string
  /** The same of its first try. */
  first_claimed_at: string
}

/**
 * - `accepted`: it was taken over
 * - `absent`: it was not, for sure, or the same can be handed over again without coming twice
 * - `unknown`: nobody can tell; a person decides
 */
export type Trace = 'accepted' | 'absent' | 'unknown'

/** One thing that `pipeline debug` looks at, on a channel. */
export interface ChannelCheck extends Omit<Check, 'run'> {
  /** One line on success; throws otherwise. */
  run(world: Parameters<Check['run']>[0] & { mail: Mail }): Promise<string>
}

/** Types a channel's literal; adds nothing. */
export function defineChannel<S extends z.ZodObject>(channel: Channel<S>): Channel<S> {
  return channel
}
