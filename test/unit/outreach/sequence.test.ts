import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { settings, steps } from '../../../outreach/run.ts'
import type { Problem } from '../../../pipeline/errors.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'

const CONFIG = `outreach:
  channels: { email: {}, linkedin: {} }
  sequences: [one]
`
const SEQUENCE = `description: One.
audience: "true"
language: en
steps:
  - { id: a, channel: email, after_days: 0, template: one/a }
`

async function problemsOf(files: Record<string, string>, text = CONFIG): Promise<Problem[]> {
  const root = mkdtempSync(join(tmpdir(), 'outreach-'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', text, problems)!
  const parsed = settings.parse((config.data as { outreach: unknown }).outreach)
  await steps({ root, settings: parsed, config, problems })
  return problems
}

const MAIL = '---\nsubject: Hello\n---\nText\n'
const GOOD = { 'outreach/sequences/one.yml': SEQUENCE, 'outreach/templates/one/a.en.md': MAIL }

test('a good sequence has no problems', async () => {
  expect(await problemsOf(GOOD)).toEqual([])
})

test('every problem of sequence and templates is told with its line', async () => {
  const sequence = `description: One.
audience: "true"
language: en
languages: { BR: pt }
steps:
  - { id: a, channel: email, after_days: 0, template: one/a }
  - { id: a, channel: phone, after_days: 1, template: one/b }
`
  const files = {
    'outreach/sequences/one.yml': sequence,
    'outreach/templates/one/a.en.md': 'No subject\n',
    'outreach/templates/one/a.pt.md': MAIL.replace('Text', 'Oi {nobody}'),
    'outreach/templates/one/b.en.md': 'Text\n',
  }
  expect((await problemsOf(files)).map(({ file, line, message }) => `${file}:${line} ${message.slice(0, 40)}`)).toEqual(
    [
      'outreach/templates/one/a.en.md:1 has no subject, and email needs one',
      "outreach/templates/one/a.pt.md:4 unknown slot '{nobody}'",
      "outreach/sequences/one.yml:7 two steps are called 'a'",
      "outreach/sequences/one.yml:7 channel 'phone' is not switched on",
      'outreach/templates/one/b.pt.md:undefined is not there',
    ],
  )
})

test('what is misspelt in the sequence or the configuration is named, with the nearest that exists', async () => {
  expect(
    await problemsOf({ ...GOOD, 'outreach/sequences/one.yml': SEQUENCE.replace('audience:', 'audiense:') }),
  ).toMatchObject([{ file: 'outreach/sequences/one.yml', line: 2, hint: 'Did you mean audience?' }])
  expect(await problemsOf(GOOD, CONFIG.replace('[one]', '[ones]'))).toMatchObject([
    { file: 'pipeline.yaml', line: 3, hint: 'Did you mean one?' },
  ])
  const wrong = await problemsOf(GOOD, CONFIG.replace('email: {}', 'email: { mailbox: [] }, fax: {}'))
  expect(wrong).toContainEqual(
    expect.objectContaining({ file: 'pipeline.yaml', line: 2, hint: 'Did you mean mailboxes?' }),
  )
  expect(wrong).toContainEqual(expect.objectContaining({ line: 2, message: "there is no channel 'fax'" }))
})

test('the settings of the handbook are accepted', async () => {
  const text = `outreach:
  approval: required
  channels:
    email:
      mailboxes:
        - { from: "Ana Souza <ana@example.com>", smtp: { host: smtp.example.com, port: 587, user: ana, pass: x }, imap: { host: imap.example.com, port: 993, user: ana, pass: x }, archive: archive@example.com, per_day: 40 }
      postal_address: "Rua Exemplo 1, São Paulo"
      unsubscribe: { url: "https://example.com/unsubscribe", mailto: unsubscribe@example.com }
  sequences: [one]
`
  expect(await problemsOf(GOOD, text)).toEqual([])
  expect(await problemsOf(GOOD, text.replace('Ana Souza <ana@example.com>', 'nobody'))).toMatchObject([{ line: 6 }])
  expect(settings.parse(undefined)).toEqual({ approval: 'required', channels: {}, sequences: [] })
})
