import { createServer, type Socket } from 'node:net'

/** What a mail server can do to a message. */
export const SMTP_FAULTS = [
  'none',
  'reset_at_greeting',
  'greeting_421',
  'mail_451',
  'rcpt_450',
  'rcpt_550',
  'copy_450',
  'drop_at_rcpt',
  'drop_at_data',
  'dot_451',
  'dot_552',
  'reset_after_dot',
  'close_after_dot',
  'reset_after_250',
  'no_goodbye',
] as const
export type SmtpFault = (typeof SMTP_FAULTS)[number]

export interface FaultyServer {
  port: number
  /** What it took over: the recipients and the whole text. */
  accepted: { to: string[]; text: string }[]
  /** Asked for each connection. */
  play(next: (connection: number) => SmtpFault): void
  /** How long it takes to answer the final dot. */
  slow(ms: number): void
  connections(): number
  /** Connections that nobody has closed. */
  open(): number
  close(): Promise<void>
}

/** A mail server spoken by hand, which breaks where it is told. A message that it took over counts, whatever it says of it. */
export async function faultySmtp(options: { takesBeforeReset?: boolean } = {}): Promise<FaultyServer> {
  const accepted: FaultyServer['accepted'] = []
  const open = new Set<Socket>()
  let connections = 0
  let slowness = 0
  let play: (connection: number) => SmtpFault = () => 'none'
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    const fault = play(connections++)
    if (fault === 'reset_at_greeting') return void socket.resetAndDestroy()
    const say = (line: string) => socket.write(`${line}\r\n`)
    if (fault === 'greeting_421') {
      say('421 too busy')
      return void socket.end()
    }
    say('220 faulty.test ESMTP')
    let to: string[] = []
    let text: string | undefined
    let buffer = ''
    const finish = (body: string) => {
      const takes = () => accepted.push({ to, text: body })
      switch (fault) {
        case 'dot_451':
          return say('451 4.3.0 try again')
        case 'dot_552':
          return say('552 5.3.4 too much for someone@acme.test')
        case 'reset_after_dot':
          if (options.takesBeforeReset !== false) takes()
          return void socket.resetAndDestroy()
        case 'close_after_dot':
          if (options.takesBeforeReset !== false) takes()
          return void socket.end()
        case 'reset_after_250':
          takes()
          say('250 2.0.0 queued as 1')
          return void setTimeout(() => socket.resetAndDestroy(), 30)
        default:
          takes()
          return say('250 2.0.0 queued as 1')
      }
    }
    const command = (line: string) => {
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO' || verb === 'HELO') say('250-faulty.test\r\n250-PIPELINING\r\n250 8BITMIME')
      else if (verb === 'MAIL') say(fault === 'mail_451' ? '451 4.3.0 not now' : '250 ok')
      else if (verb === 'RCPT') {
        const address = /<([^>]*)>/.exec(line)![1]!
        const copy = address.startsWith('archive')
        if (fault === 'drop_at_rcpt') return void socket.resetAndDestroy()
        if (fault === 'rcpt_450' && !copy) return say('450 4.2.0 greylisted')
        if (fault === 'rcpt_550' && !copy) return say(`550 5.1.1 <${address}> no such user`)
        if (fault === 'copy_450' && copy) return say('450 4.2.2 mailbox full')
        to = [...to, address]
        say('250 ok')
      } else if (verb === 'DATA') {
        if (fault === 'drop_at_data') return void socket.resetAndDestroy()
        if (to.length === 0) return say('503 5.5.1 nobody to send it to')
        text = ''
        say('354 go on')
      } else if (verb === 'QUIT') {
        if (fault === 'no_goodbye') return
        say('221 bye')
        socket.end()
      } else say(verb === 'STAR' ? '502 5.5.1 no TLS here' : '250 ok')
    }
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      buffer += chunk
      for (;;) {
        if (text !== undefined) {
          const end = buffer.startsWith('.\r\n') ? 0 : buffer.indexOf('\r\n.\r\n')
          if (end < 0) return
          const body = buffer.slice(0, end)
          buffer = buffer.slice(end === 0 ? 3 : end + 5)
          text = undefined
          if (slowness > 0) setTimeout(() => finish(body), slowness)
          else finish(body)
          continue
        }
        const end = buffer.indexOf('\r\n')
        if (end < 0) return
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        command(line)
      }
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as { port: number }).port,
    accepted,
    play(next) {
      connections = 0
      play = next
    },
    slow(ms) {
      slowness = ms
    },
    connections: () => connections,
    open: () => open.size,
    close: () => {
      for (const socket of open) socket.destroy()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
