import { connect, createServer, type Socket } from 'node:net'

export const CUTS = ['cut_before_dot', 'cut_after_dot', 'answer_451', 'greylist', 'refuse_421', 'stall'] as const

/** Before a mail server: cuts before and after the final dot, says 4xx in its place, greylists and stalls, as the dice say. */
export async function smtpProxy(to: number, dice: () => number, share: number) {
  const faults: Record<string, number> = {}
  let connected = () => {}
  const server = createServer((socket) => {
    const fault = dice() < share ? CUTS[Math.floor(dice() * CUTS.length)]! : 'none'
    if (fault !== 'none') faults[fault] = (faults[fault] ?? 0) + 1
    socket.on('error', () => {})
    connected()
    if (fault === 'refuse_421') return void socket.end('421 4.3.2 busy\r\n')
    const behind = connect(to, '127.0.0.1')
    behind.on('error', () => socket.destroy())
    pass(socket, behind, fault)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as { port: number }).port,
    faults,
    /** Told of each connection from now on. */
    watch(told: () => void) {
      connected = told
    },
    close: () => server.close(),
  }
}

function pass(socket: Socket, behind: Socket, fault: string): void {
  let told = ''
  let ended = false
  const end = (last: () => void) => {
    ended = true
    last()
  }
  socket.on('data', (chunk) => {
    if (ended) return
    told = (told + chunk.toString('latin1')).slice(-50_000)
    if (fault === 'greylist' && /^RCPT TO/im.test(told)) {
      const answers = '250 ok\r\n450 4.2.0 greylisted\r\n450 4.2.0 greylisted\r\n503 5.5.1 no recipients\r\n'
      return end(() => {
        behind.destroy()
        socket.end(answers)
      })
    }
    const dot = told.endsWith('\r\n.\r\n')
    if (dot && fault === 'cut_before_dot')
      return end(() => {
        behind.destroy()
        socket.resetAndDestroy()
      })
    if (dot && fault === 'answer_451')
      return end(() => {
        behind.destroy()
        socket.write('451 4.3.0 try again\r\n')
      })
    behind.write(chunk)
    if (dot && fault === 'cut_after_dot')
      end(() =>
        // The server answers to nobody: it has the message.
        behind.once('data', () => {
          socket.resetAndDestroy()
          behind.end('QUIT\r\n')
        }),
      )
  })
  behind.on('data', (chunk) => {
    if (ended) return
    if (fault === 'stall') setTimeout(() => socket.destroyed || socket.write(chunk), 150)
    else socket.write(chunk)
  })
  socket.on('close', () => ended || behind.end())
  behind.on('close', () => ended || socket.end())
}
