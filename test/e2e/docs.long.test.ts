import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { pluginNames } from '../../pipeline/code-root.ts'
import { projectFiles, ROOT, textOf } from '../helpers/source-tree.ts'

// Every docs/*.md is followed to the letter in a throw-away copy of the repository, top to bottom: a block with `file=`
// is written there (a diff is applied), `sh run` is run, with the exit code that `exit=` says or 0, and each line of the
// `text expect` after it must be in what was printed, whatever the spaces. Other blocks are only for reading. Two things
// differ from the pages: the port, since another may be using it, and the size of the invented market, to save time.

const LONG = 240_000

interface Block {
  line: number
  language: string
  words: string[]
  text: string
}

const files = projectFiles()
const manuals = files.filter((path) => /^(docs\/.*|README|CONTRIBUTING)\.md$/.test(path))
const pages = manuals
  .filter((path) => /^docs\/[^/]+$/.test(path))
  .map((path) => ({ path, blocks: blocksOf(textOf(path)) }))
const followed = pages.filter(({ blocks }) => blocks.some(isRun))

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: language, 2: info, 3: body, index }) => ({
    line: text.slice(0, index).split('\n').length,
    language: language!,
    words: info!.trim().split(' '),
    text: body!,
  }))
}

function isRun({ language, words }: Block): boolean {
  return language === 'sh' && words.includes('run')
}

function named({ words }: Block, key: string): string | undefined {
  return words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
}

const smaller = (text: string) => text.replace(/companies: 300\b/, 'companies: 60')
const squeezed = (text: string) => text.replaceAll(/[^\S\n]+/g, ' ')

/** Finds what each hunk says was there, once, and puts in its place what is to be. */
function applied(text: string, diff: string): string {
  return diff.split(/^@@.*\n/m).reduce((now, hunk) => {
    const lines = hunk
      .slice(0, -1)
      .split('\n')
      .map((line) => (line === '' ? ' ' : line))
    const side = (other: string) =>
      lines
        .filter((line) => !line.startsWith(other))
        .map((line) => `${line.slice(1)}\n`)
        .join('')
    const parts = `\n${now}`.split(`\n${side('+')}`)
    if (parts.length !== 2) throw new Error(`${parts.length - 1} places, not one, look like:\n${hunk}`)
    return parts.join(`\n${side('-')}`).slice(1)
  }, text)
}

interface Done {
  code: number | null
  output: string
}

/** A copy of the repository, and a shell in it whose `npx` asks no registry. */
class Copy {
  readonly root = mkdtempSync(join(tmpdir(), 'lead-engine-docs-'))
  readonly #bin = join(this.root, 'data', 'bin')

  constructor() {
    for (const path of files) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true })
      cpSync(join(ROOT, path), join(this.root, path))
    }
    writeFileSync(join(this.root, 'pipeline.yaml'), smaller(textOf('pipeline.yaml')))
    mkdirSync(join(this.root, 'node_modules'))
    for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => !/^\.(cache|vite)/.test(each)))
      symlinkSync(join(ROOT, 'node_modules', name), join(this.root, 'node_modules', name))
    mkdirSync(this.#bin, { recursive: true })
    const npx = `#!/bin/sh\nname=$1\nshift\ncase $name in\npipeline) exec node bin/pipeline.mjs "$@" ;;\n*) exec node_modules/.bin/$name "$@" ;;\nesac\n`
    writeFileSync(join(this.#bin, 'npx'), npx, { mode: 0o755 })
  }

  write(block: Block): void {
    const path = join(this.root, named(block, 'file')!)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, block.language === 'diff' ? applied(readFileSync(path, 'utf8'), block.text) : block.text)
  }

  sh(script: string): Promise<Done> {
    const path = `${this.#bin}:${dirname(process.execPath)}:${process.env.PATH}`
    const env = { PATH: path, HOME: this.root, TZ: 'UTC', NO_COLOR: '1' }
    return new Promise((resolve, reject) => {
      const child = spawn('sh', ['-euc', script], { cwd: this.root, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, output }))
    })
  }
}

async function freePort(): Promise<string> {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

describe('the pages, followed to the letter', () => {
  const copies: Copy[] = []
  afterAll(() => {
    for (const { root } of copies) rmSync(root, { recursive: true, force: true })
  })

  it.concurrent.each(followed)('$path', { timeout: LONG }, async ({ path, blocks }) => {
    const copy = new Copy()
    copies.push(copy)
    const port = await freePort()
    let last: Done | undefined
    for (const block of blocks.map((each) => ({ ...each, text: smaller(each.text).replaceAll('8787', port) }))) {
      const place = `${path}:${block.line}`
      if (named(block, 'file') !== undefined) copy.write(block)
      else if (isRun(block)) {
        last = await copy.sh(block.text)
        expect(last.code, `${place}\n${last.output}`).toBe(Number(named(block, 'exit') ?? 0))
      } else if (block.words.includes('expect')) {
        const printed = squeezed(last!.output)
        for (const line of block.text.trimEnd().split('\n'))
          expect(printed, `${place}  ${line}`).toContain(squeezed(line))
      }
    }
  })
})

describe('what the pages speak of', () => {
  it('lets run every how-to', () => {
    expect(followed.map(({ path }) => basename(path))).toEqual(
      expect.arrayContaining(['add-a-model.md', 'add-a-provider.md', 'change-a-score.md', 'commands.md']),
    )
  })

  it('every command that exists is in docs/commands.md, and no other', () => {
    const table = /^\| command [\s\S]*?\n\n/m.exec(textOf('docs/commands.md'))![0]
    const names = table.split('\n').flatMap((row) => row.split('|')[1]?.match(/(?<=`)[a-z]+(?=`)/g) ?? [])
    const shown = pluginNames('cli', 'commands').filter(
      (name) => !textOf(`cli/commands/${name}.ts`).includes('hidden: true'),
    )
    expect(names.sort()).toEqual(shown)
  })

  it('every flag that exists is in docs/commands.md', () => {
    const sources = files.filter((path) => /^cli\/(options|commands\/\w+)\.ts$/.test(path)).map(textOf)
    const flags = sources.flatMap((text) => text.match(/(?<=(?:ption\(|Option\()'(?:-\w, )?)--[a-z-]+/g) ?? [])
    const text = textOf('docs/commands.md')
    expect(flags.length).toBeGreaterThan(15)
    expect([...new Set(flags)].filter((flag) => !text.includes(flag))).toEqual([])
  })

  it('every link leads to a file', () => {
    const broken = manuals.flatMap((path) =>
      [...textOf(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .filter(([, to]) => !existsSync(join(ROOT, dirname(path), to!)))
        .map(([, to]) => `${path}  ${to}`),
    )
    expect(broken).toEqual([])
  })
})
