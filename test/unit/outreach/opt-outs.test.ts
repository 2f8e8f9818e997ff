import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { suppressions } from '../../../outreach/suppressed.ts'
import { noActs } from '../../../pipeline/acts.ts'
import { codeRoot } from '../../../pipeline/code-root.ts'
import { readTaken, watchIncoming, writeIncoming } from '../../../pipeline/incoming.ts'
import { type CliResult, pipeline } from '../../helpers/cli.ts'
import { outreachWorld } from '../../helpers/outreach-world.ts'
import { projectFolder } from '../../helpers/project.ts'
import { faultySmtp } from '../../helpers/smtp-faults.ts'

const COUNT = 20_000
const addressOf = (n: number) => `person${n}@company${n}.example`

/** As lists of opt-outs come: spelled by many hands, in one of many columns, with lines that name nobody. */
function messyList(): { csv: string; bad: number } {
  const spellings = [
    (a: string) => a,
    (a: string) => a.toUpperCase(),
    (a: string) => `  ${a}\t`,
    (a: string) => a.replace('@', '+news@'),
    (a: string) => `"Luz; ${a.slice(0, 3)} <${a}>"`,
    (a: string) => `mailto:${a[0]!.toUpperCase()}${a.slice(1)}`,
    (a: string) => `"${a}"`,
    (a: string) => `\u00a0${a} # by telephone`,
  ]
  const lines = ['\uFEFFNo.;Quem;E-Mail;Date']
  let bad = 0
  for (let n = 1; n <= COUNT; n++) {
    lines.push(`${n};Someone;${spellings[n % spellings.length]!(addressOf(n))}`)
    if (n % 400 !== 0) continue
    bad += 1
    lines.push(`${n};Nobody;${['not an address', '@company.example', 'person@', 'n/a'][bad % 4]}`, '')
  }
  return { csv: lines.join('\r\n'), bad }
}

let root: string
let imported: CliResult
const { csv, bad } = messyList()
beforeAll(async () => {
  root = projectFolder({ 'opt-outs.csv': csv })
  imported = await pipeline(root, ['suppress', 'import', 'opt-outs.csv', '--reason', 'asked by telephone'])
}, 60_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const message = () => {
  const folder = join(root, 'data', 'incoming')
  const [file] = readdirSync(folder)
  return JSON.parse(readFileSync(join(folder, file!), 'utf8')) as Parameters<typeof writeIncoming>[1]
}

describe(`${COUNT} opt-outs of a messy list`, () => {
  it('are taken but for the lines that name nobody, which are listed with their places', () => {
    expect(imported.code).toBe(1)
    expect(imported.stderr).toContain(`${bad} lines could not be read`)
    expect(imported.stderr).toMatch(/opt-outs\.csv:402 .*'not an address'|opt-outs\.csv:402 .*is none of what/)
    const named = new Set((message().body.entries as { value: string }[]).map(({ value }) => value))
    for (let n = 1; n <= COUNT; n++) if (!named.has(addressOf(n))) expect.fail(`${addressOf(n)} is not suppressed`)
  })

  it('hold in the judge of what leaves, each of them, however the address is spelled, from the moment they lie there', async () => {
    const world = await outreachWorld({ channels: '{ email: {}, linkedin: {} }', leads: [] })
    try {
      writeIncoming(world.data, message())
      const person = (email: string) => ({ contact_id: null, company_id: null, domain: null, cnpj: null, email })
      const addresses = Array.from({ length: COUNT }, (_, n) => addressOf(n + 1))
      const holds = (isSuppressed: Awaited<ReturnType<typeof suppressions>>) => {
        const missed = addresses.filter((one) => !isSuppressed(person(one)) || !isSuppressed(person(one.toUpperCase())))
        expect(missed).toEqual([])
        expect(isSuppressed(person('somebody@else.example'))).toBe(false)
      }
      holds(await suppressions({ ...noActs(), waiting: watchIncoming(world.data) }))
      await world.begin()
      holds(await suppressions({ ...noActs(), taken: (...kinds) => readTaken(world.connection, kinds) }))
    } finally {
      world.close()
    }
  })

  it('0 of them are sent, though approved: the mail server sees only the others', async () => {
    const server = await faultySmtp()
    const mailbox = `{ from: "Ana <ana@lead.test>", smtp: { host: 127.0.0.1, port: ${server.port} }, per_day: 10000 }`
    const others = ['free1@other.example', 'free2@other.example']
    const leads = [...Array.from({ length: 24 }, (_, n) => addressOf(n * 829 + 1)), ...others].map((email) => ({
      contact: { email },
    }))
    const world = await outreachWorld({
      channels: `{ email: { mailboxes: [${mailbox}], postal_address: 1 Test Street }, linkedin: {} }`,
      leads,
    })
    try {
      await world.stage()
      expect(await world.approve(`step_id = 'intro'`)).toBe(leads.length)
      writeIncoming(world.data, message())
      await world.stage()
      expect(server.accepted.map(({ to }) => to[0]).sort()).toEqual(others)
    } finally {
      world.close()
      await server.close()
    }
  })

  it('no address of theirs is in what git would take: all of it lies below data/', () => {
    writeFileSync(join(root, '.gitignore'), `${readFileSync(join(codeRoot(), '.gitignore'), 'utf8')}opt-outs.csv\n`)
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })
    git('init', '--quiet')
    git('add', '--all')
    const files = git('ls-files').split('\n').filter(Boolean)
    expect(files).toContain('pipeline.yaml')
    for (const file of files) expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/company\d+\.example/)
    expect(
      readFileSync(join(root, 'data', 'incoming', readdirSync(join(root, 'data', 'incoming'))[0]!), 'utf8'),
    ).toMatch(/company1\.example/)
  })
})
