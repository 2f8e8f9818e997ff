import { createHash, timingSafeEqual } from 'node:crypto'
import type { Problem } from '../pipeline/errors.ts'
import type { Role, ServeSettings } from './settings.ts'

/** Who asks, and what that one may do. */
export interface User {
  name: string
  role: Role
  /** As leads name their owner. */
  owner: string
  /** Only the leads of `owner`. */
  own_only: boolean
  /** Names, addresses, words to and from people. */
  sees_people: boolean
}

/** What may be done beyond reading. */
export type Right = 'decide' | 'assign' | 'pause' | 'score' | 'operate'

const RIGHTS: Record<Role, readonly Right[]> = {
  rep: ['decide', 'score'],
  manager: ['decide', 'assign', 'pause', 'score', 'operate'],
  operator: ['pause', 'score', 'operate'],
  admin: ['decide', 'assign', 'pause', 'score', 'operate'],
}

export function may({ role }: User, right: Right): boolean {
  return RIGHTS[role].includes(right)
}

interface Known {
  user: User
  token: Buffer | undefined
}

/** Who may come in. Without users, whoever is on this machine is its administrator. */
export class Users {
  readonly #known: Known[]
  readonly #proxy: ServeSettings['trusted_proxy']

  constructor(known: Known[], proxy: ServeSettings['trusted_proxy']) {
    this.#known = known
    this.#proxy = proxy
  }

  /** Undefined: nobody who is known. Every token is compared, and each in the same time. */
  find(header: (name: string) => string | undefined, address: string): User | undefined {
    if (this.#known.length === 0) return LOCAL
    const bearer = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(header('authorization') ?? '')?.[1]
    if (bearer !== undefined) {
      const given = sha256(bearer)
      let found: User | undefined
      for (const { user, token } of this.#known) {
        const same = timingSafeEqual(given, token ?? NOBODY)
        if (same && token !== undefined) found = user
      }
      return found
    }
    if (this.#proxy === undefined || !this.#proxy.from.includes(plain(address))) return undefined
    const named = header(this.#proxy.header)
    return this.#known.find(({ user }) => user.name === named)?.user
  }
}

const NOBODY = Buffer.alloc(32)
const LOCAL: User = { name: 'local', role: 'admin', owner: 'local', own_only: false, sees_people: true }

/** Reads the tokens from the environment; one that is missing is a problem. */
export function readUsers(
  settings: ServeSettings,
  env: Record<string, string | undefined>,
  problems: Problem[],
  line: (path: PropertyKey[]) => number | undefined,
): Users {
  const known = settings.users.map(({ name, role, token_env, owner = name, sees }, index): Known => {
    const at = { file: 'pipeline.yaml', line: line(['serve', 'users', index]) }
    const token = token_env === undefined ? undefined : env[token_env]
    if (token_env !== undefined && (token ?? '') === '') {
      problems.push({ ...at, message: `${token_env} is not set, and user ${name} needs it`, hint: 'Put it into .env.' })
    } else if (token !== undefined && token.length < 16) {
      problems.push({
        ...at,
        message: `the token of ${name} is shorter than 16 characters`,
        hint: 'openssl rand -hex 32',
      })
    }
    if (token_env === undefined && settings.trusted_proxy === undefined) {
      problems.push({ ...at, message: `nothing says who user ${name} is`, hint: 'Add token_env, or trusted_proxy.' })
    }
    const hash = /^sha256:([0-9a-f]{64})$/i.exec(token ?? '')?.[1]
    const bytes = token === undefined ? undefined : hash === undefined ? sha256(token) : Buffer.from(hash, 'hex')
    const own_only = role === 'rep' && sees !== 'all'
    return { user: { name, role, owner, own_only, sees_people: role !== 'operator' }, token: bytes }
  })
  const names = new Set(known.map(({ user }) => user.name))
  if (names.size < known.length) {
    problems.push({ file: 'pipeline.yaml', line: line(['serve', 'users']), message: 'two users have one name' })
  }
  return new Users(known, settings.trusted_proxy)
}

/** Is this an address of the machine itself, which nobody else can reach? */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
}

export function plain(address: string): string {
  return address.replace(/^::ffff:/, '')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
