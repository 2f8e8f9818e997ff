import type { Sender } from './letter.ts'

/** `Ana Souza <ana@example.com>`, or the address alone; undefined for what is neither. */
export function senderOf(from: string): Sender | undefined {
  const named = /^\s*"?([^"<>\r\n]*?)"?\s*<([^<>\s]+)>\s*$/.exec(from)
  const address = named?.[2] ?? from.trim()
  return isAddress(address) ? { mailbox: address, name: named?.[1] || null } : undefined
}

/** One plain address: what business mail uses, without quoted local parts, comments or address literals. */
export function isAddress(text: string): boolean {
  if (text.length > 254) return false
  const match = /^([\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*)@(.+)$/u.exec(text)
  if (match === null || Buffer.byteLength(match[1]!) > 64) return false
  const labels = match[2]!.split('.')
  return (
    labels.length >= 2 &&
    labels.every((label) => /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u.test(label)) &&
    !/^\p{N}+$/u.test(labels.at(-1)!)
  )
}

/** The domain of an address, in lower case. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
