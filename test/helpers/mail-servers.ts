import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Undefined where Postfix and Dovecot can be started here; else why not, and what to do. */
export function noMailServers(): string | undefined {
  if (process.getuid?.() !== 0) return 'mail servers are started as root'
  const lacks = ['/usr/sbin/postfix', '/usr/sbin/dovecot', '/usr/lib/dovecot/lmtp'].filter((file) => !existsSync(file))
  return lacks.length === 0 ? undefined : 'apt-get install postfix dovecot-imapd dovecot-lmtpd'
}

export interface MailServers {
  smtp: { host: string; port: number }
  imap: { host: string; port: number }
  /** Password of every mailbox. */
  pass: string
  /** Whole messages in a mailbox's INBOX, as the server keeps them. */
  inbox(address: string): string[]
  /** Resolves when the queue is empty. */
  settled(): Promise<void>
  stop(): void
}

const PASS = 'pw'
const MAILBOXES = ['seller', 'second', 'bounces', 'archive'].map((name) => `${name}@lead.test`)
const OUTSIDE = ['ana@acme.test', 'bob@acme.test', 'everybody@acme.test']

/**
 * Postfix and Dovecot on this machine alone, in a folder of their own: sellers at lead.test, people at acme.test, anybody
 * at `.example` in the mailbox everybody@acme.test; gone.test bounces later, slow.test puts off, nothing else is delivered.
 */
export async function mailServers(): Promise<MailServers> {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-mail-'))
  chmodSync(root, 0o755)
  // The servers drop root's rights, and must get through a temporary folder that is private.
  if ((statSync(tmpdir()).mode & 0o001) === 0) chmodSync(tmpdir(), 0o711)
  const [smtp, imap, lmtp] = [await freePort(), await freePort(), await freePort()] as [number, number, number]
  ensureUser()
  startDovecot(root, imap, lmtp)
  startPostfix(root, smtp, lmtp)
  const postfix = join(root, 'postfix', 'etc')
  const stop = () => {
    spawnSync('postfix', ['-c', postfix, 'stop'], { stdio: 'ignore' })
    spawnSync('doveadm', ['-c', join(root, 'dovecot', 'dovecot.conf'), 'stop'], { stdio: 'ignore' })
    rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  return {
    smtp: { host: '127.0.0.1', port: smtp },
    imap: { host: '127.0.0.1', port: imap },
    pass: PASS,
    inbox(address) {
      const [name, domain] = address.split('@') as [string, string]
      return ['new', 'cur'].flatMap((part) => {
        const folder = join(root, 'mail', domain, name, part)
        return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1')) : []
      })
    },
    async settled() {
      const waits = () =>
        ['active', 'incoming', 'maildrop'].some((queue) => holdsFiles(join(root, 'postfix', 'queue', queue)))
      for (let quiet = 0; quiet < 3; ) {
        await new Promise((done) => setTimeout(done, 50))
        quiet = waits() ? 0 : quiet + 1
      }
    },
    stop,
  }
}

function holdsFiles(folder: string): boolean {
  if (!existsSync(folder)) return false
  return readdirSync(folder, { withFileTypes: true }).some((entry) =>
    entry.isDirectory() ? holdsFiles(join(folder, entry.name)) : true,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

function ensureUser(): void {
  const has = (database: string) => spawnSync('getent', [database, 'vmail']).status === 0
  if (!has('group')) execFileSync('groupadd', ['-g', '5000', 'vmail'])
  if (!has('passwd'))
    execFileSync('useradd', [
      '-u',
      '5000',
      '-g',
      'vmail',
      '-M',
      '-d',
      '/nonexistent',
      '-s',
      '/usr/sbin/nologin',
      'vmail',
    ])
}

function startDovecot(root: string, imap: number, lmtp: number): void {
  const own = join(root, 'dovecot')
  mkdirSync(join(own, 'run'), { recursive: true })
  mkdirSync(join(root, 'mail'))
  execFileSync('chown', ['vmail:vmail', join(root, 'mail')])
  chmodSync(own, 0o755)
  writeFileSync(join(own, 'users'), [...MAILBOXES, ...OUTSIDE].map((user) => `${user}:{PLAIN}${PASS}::::::\n`).join(''))
  const config = `base_dir = ${own}/run
log_path = ${own}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
first_valid_uid = 5000
mail_location = maildir:${root}/mail/%d/%n
mail_max_userip_connections = 200
passdb {
  driver = passwd-file
  args = username_format=%u ${own}/users
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=${root}/mail/%d/%n
}
service imap-login {
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtp}
  }
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
}
`
  writeFileSync(join(own, 'dovecot.conf'), config)
  // What they start keeps its pipes open: it gets none.
  execFileSync('dovecot', ['-c', join(own, 'dovecot.conf')], { stdio: 'ignore' })
}

function startPostfix(root: string, smtp: number, lmtp: number): void {
  const etc = join(root, 'postfix', 'etc')
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(root, 'postfix', name), { recursive: true })
  for (const file of ['/usr/share/postfix/postfix-files', '/etc/postfix/postfix-files'])
    if (existsSync(file) && !existsSync(join(etc, 'postfix-files'))) copyFileSync(file, join(etc, 'postfix-files'))
  const deliver = `lmtp:inet:127.0.0.1:${lmtp}`
  writeFileSync(
    join(etc, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${root}/postfix/queue
data_directory = ${root}/postfix/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.lead.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
maillog_file = ${root}/postfix/data/mail.log
maillog_file_prefixes = ${root}
virtual_mailbox_domains = lead.test, acme.test
virtual_mailbox_maps = texthash:${etc}/vmailbox
virtual_alias_maps = regexp:${etc}/aliases
virtual_transport = ${deliver}
transport_maps = texthash:${etc}/transport
default_transport = error:5.1.2 nothing leaves this machine
relay_transport = error:5.1.2 nothing leaves this machine
relay_domains = gone.test, slow.test
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
default_process_limit = 20
smtp_dns_support_level = disabled
bounce_queue_lifetime = 1h
maximal_queue_lifetime = 1h
minimal_backoff_time = 5s
queue_run_delay = 5s
message_size_limit = 10240000
`,
  )
  writeFileSync(join(etc, 'vmailbox'), [...MAILBOXES, ...OUTSIDE].map((user) => `${user} x\n`).join(''))
  writeFileSync(
    join(etc, 'aliases'),
    '/@([a-z0-9-]+\\.)*[a-z0-9-]+\\.(example|com|br|net|org|io)$/ everybody@acme.test\n',
  )
  writeFileSync(join(etc, 'transport'), `gone.test ${deliver}\nslow.test retry:4.2.2 mailbox full, try later\n`)
  writeFileSync(
    join(etc, 'master.cf'),
    `127.0.0.1:${smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 5 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
`,
  )
  execFileSync('chown', ['postfix', join(root, 'postfix', 'data')])
  chmodSync(join(root, 'postfix', 'queue'), 0o755)
  const started = spawnSync('postfix', ['-c', etc, 'start'], { stdio: 'ignore' })
  if (started.status !== 0) throw new Error(`postfix does not start: postfix -c ${etc} start`)
}
