import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Broken, brokenProject, outcomeOf, placed } from '../helpers/broken.ts'
import { pipeline } from '../helpers/cli.ts'
import { ROOT } from '../helpers/source-tree.ts'

const unindented = (text: string) => text.replaceAll(/^ +/gm, '')
const folder = join(ROOT, 'test/broken')
const broken = readdirSync(folder)
  .sort()
  .map((file) => [file, parse(readFileSync(join(folder, file), 'utf8')) as Broken] as const)

describe('a broken project', () => {
  it('there are at least 60, each with a title of its own', () => {
    expect(broken.length).toBeGreaterThanOrEqual(60)
    expect(new Set(broken.map(([, { title }]) => title)).size).toBe(broken.length)
  })

  it.each(broken)('%s', async (_, given) => {
    const root = brokenProject(given)
    expect(await outcomeOf(given, root)).toEqual({ exit: given.exit, problems: placed(given.problems, root) })
  })
})

describe('the command itself', () => {
  it.each(broken.filter(([, { cli }]) => cli))('%s', async (_, given) => {
    const root = brokenProject(given)
    const types = given.command[0] === 'check' ? ['--no-types'] : []
    const { code, stderr } = await pipeline(root, [...given.command, ...types])
    expect(code).toBe(given.exit)
    expect(stderr).not.toMatch(/^ {4}at /m)
    const problems = placed(given.problems, root)
    // A run shows a failed node's lines indented.
    if (given.exit === 1) for (const problem of problems) expect(unindented(stderr)).toContain(unindented(problem))
    else {
      const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`
      expect(stderr).toContain(`${count}; nothing was done\n${problems.join('\n')}\n`)
    }
  })
})
