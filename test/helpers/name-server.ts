import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'

/** Records of a name and type (`acme.example MX`), or how the question fails; what is not named does not exist. */
export type Zone = Record<string, readonly string[] | 'SERVFAIL' | 'REFUSED' | 'silence'>

const TYPES: Record<number, string> = { 1: 'A', 15: 'MX', 16: 'TXT', 28: 'AAAA' }

/** A name server on this machine, over UDP. A name that has records of another type answers that it has none of this. */
export async function nameServer(zone: Zone) {
  const socket = createSocket('udp4')
  const seen: string[] = []
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query)
    seen.push(`${name} ${type}`)
    const found = zone[`${name} ${type}`]
    if (found === 'silence') return
    const isThere = Object.keys(zone).some((key) => key.startsWith(`${name} `))
    const rcode = found === 'SERVFAIL' ? 2 : found === 'REFUSED' ? 5 : isThere ? 0 : 3
    const records = Array.isArray(found) ? (found as string[]) : []
    const head = Buffer.from(query.subarray(0, end))
    head.writeUInt16BE(0x8180 | rcode, 2)
    head.writeUInt16BE(records.length, 6)
    head.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([head, ...records.map((text) => recordOf(type, text))]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address() as AddressInfo
  return {
    server: `127.0.0.1:${port}`,
    seen,
    close: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  }
}

function questionOf(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: TYPES[query.readUInt16BE(at + 1)] ?? '', end: at + 5 }
}

/** Its name points back at the question's. */
function recordOf(type: string, text: string): Buffer {
  const data = dataOf(type, text)
  const number = Number(Object.entries(TYPES).find(([, name]) => name === type)![0])
  const head = Buffer.from([0xc0, 0x0c, 0, number, 0, 1, 0, 0, 1, 0x2c, 0, 0])
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function dataOf(type: string, text: string): Buffer {
  if (type === 'A') return Buffer.from(text.split('.').map(Number))
  if (type === 'AAAA') return Buffer.from(text.replaceAll(':', '').padEnd(32, '0'), 'hex')
  if (type === 'TXT') {
    const parts = text.match(/.{1,255}/gs) ?? ['']
    return Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part)])))
  }
  const [preference, host = ''] = text.split(' ')
  const labels = host.split('.').filter((label) => label !== '')
  const name = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([Buffer.from([0, Number(preference)]), ...name, Buffer.from([0])])
}
