// How many bounces and replies are told right, by parts of the shared sets (by the hash of a file's name, of a reply's text):
// what the rules were tuned on; of the rest, a half whose wrong answers were looked at once and mended by principle; and what
// nobody has ever looked at, whose figure is the one that counts. The sets are not part of the project: they are looked for in ../shared/data/email, or
// where the first argument says.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sets = resolve(process.argv[2] ?? join(root, '..', 'shared', 'data', 'email'))
if (!existsSync(sets)) {
  console.log(`there is no ${sets}: nothing measured`)
  process.exit(0)
}

const hash = (text) => BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)
const half = (text) => Number(hash(text) % 2n)
const part = (text) => (half(text) === 0 ? 'tuned on' : (hash(text) / 2n) % 2n === 0n ? 'looked at once' : 'never seen')
const share = (some, all) => `${((100 * some) / all).toFixed(1)} % (${some} of ${all})`

function classified(path) {
  const words = ['bin/pipeline.mjs', 'replies', 'classify', path, '--output', 'json']
  const out = execFileSync(process.execPath, words, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const truth = JSON.parse(readFileSync(join(sets, 'bounces', 'truth.json'), 'utf8'))
const messages = classified(join(sets, 'bounces'))
for (const name of ['tuned on', 'looked at once', 'never seen']) {
  const ours = messages
    .map((message) => ({ ...message, wanted: truth[basename(message.file)] ?? [] }))
    .filter(({ file }) => part(basename(file)) === name)
  const of = (...reasons) => ours.filter(({ wanted }) => reasons.includes(wanted[0]?.reason))
  const bounces = ours.filter(
    ({ wanted }) => wanted.length > 0 && !['feedback', 'vacation', 'delivered'].includes(wanted[0].reason),
  )
  const found = bounces.filter((message) => message.class === 'bounce')
  const right = found.filter(({ hard, wanted }) => hard === wanted[0].hard)
  const hard = found.filter((message) => message.hard)
  const truly = hard.filter(({ wanted }) => wanted[0].hard)
  const all = bounces.filter(({ wanted }) => wanted[0].hard)
  console.log(
    `bounces, ${name}: detected ${share(found.length, bounces.length)}, hard or soft right ${share(right.length, bounces.length)}`,
  )
  console.log(
    `  'hard': precision ${(truly.length / hard.length).toFixed(3)}, recall ${(truly.length / all.length).toFixed(3)}`,
  )
  const complaints = of('feedback')
  const automatic = of('vacation')
  console.log(
    `  complaints ${share(complaints.filter((each) => each.class === 'complaint').length, complaints.length)}`,
  )
  console.log(
    `  auto-replies ${share(automatic.filter((each) => each.class === 'auto_reply').length, automatic.length)}`,
  )
}

const labels = ['positive', 'negative', 'neutral']
const lines = readFileSync(join(sets, 'replies.csv'), 'utf8').trim().split('\n').slice(1)
const rows = lines
  .map((line) => /^(?:"(.*)"|([^"]*)),(\w+)\s*$/.exec(line))
  .map(([, quoted, bare, label]) => ({ text: quoted ?? bare, label: label.toLowerCase() }))
const answers = classified(join(sets, 'replies.csv'))
for (const [name, which] of [
  ['tuned on', 0],
  ['held out', 1],
]) {
  const some = rows
    .map((row, index) => ({ ...row, got: answers[index].sentiment }))
    .filter(({ text }) => half(text) === which)
  const f1 = labels.map((label) => {
    const right = some.filter((row) => row.label === label && row.got === label).length
    return (
      (2 * right) / (some.filter((row) => row.label === label).length + some.filter((row) => row.got === label).length)
    )
  })
  const macro = f1.reduce((sum, each) => sum + each, 0) / labels.length
  console.log(
    `replies, ${name}: macro-F1 ${macro.toFixed(3)} over ${some.length} (${labels.map((label, index) => `${label} ${f1[index].toFixed(3)}`).join(', ')})`,
  )
}
