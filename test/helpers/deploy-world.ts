import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { projectFiles, ROOT, textOf } from './source-tree.ts'

export interface Done {
  code: number
  stdout: string
  stderr: string
}

/** A throw-away place with a repository to deploy from, and a PATH whose `npm` and `crontab` touch nothing else. */
export interface DeployWorld {
  folder: string
  /** What `REPOSITORY` is in a deployment. */
  origin: string
  /** The working copy that a person commits to. */
  desk: string
  env: Record<string, string>
  /** Runs a shell script; fails the test, with all it printed, when it exits other than `code`. */
  sh(script: string, options?: { cwd?: string; env?: Record<string, string>; code?: number; shell?: string[] }): Done
  /** Commits a changed file at the desk and pushes it. */
  publish(file: string, text: string): void
  remove(): void
}

export function deployWorld(): DeployWorld {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
  const [desk, origin, bin] = ['desk', 'origin.git', 'bin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const path of projectFiles()) {
    mkdirSync(dirname(join(desk, path)), { recursive: true })
    cpSync(join(ROOT, path), join(desk, path))
  }
  writeFileSync(join(desk, 'pipeline.yaml'), withTargets(textOf('pipeline.yaml')))
  mkdirSync(bin)
  shim(join(bin, 'npm'), `exec '${process.execPath}' '${join(ROOT, 'test/helpers/fake-npm.mjs')}' "$@"`)
  const table = join(folder, 'crontab')
  shim(join(bin, 'crontab'), `if [ "$1" = -l ]; then cat '${table}'; else cat >'${table}'; fi`)
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    TZ: 'UTC',
  }
  const world: DeployWorld = {
    folder,
    origin,
    desk,
    env,
    sh(script, { cwd = folder, env: more = {}, code = 0, shell = ['sh', '-euc'] } = {}) {
      const [command, ...flags] = shell as [string, ...string[]]
      const all = { ...env, ...more }
      const { status, stdout, stderr } = spawnSync(command, [...flags, script], { cwd, env: all, encoding: 'utf8' })
      if (status !== code)
        throw new Error(`exit ${status}, not ${code}:\n${script}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`)
      return { code: status, stdout, stderr }
    },
    publish(file, text) {
      writeFileSync(join(desk, file), text)
      world.sh(
        `git add -A && git -c user.name=ops -c user.email=ops@example.com commit -qm change && git push -q origin main`,
        {
          cwd: desk,
        },
      )
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
  world.sh(
    `git init -q --bare -b main '${origin}' && cd '${desk}' && git init -q -b main && git remote add origin '${origin}'`,
  )
  world.publish('.gitattributes', '')
  return world
}

function shim(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

/** `pipeline.yaml` as docs/deploy.md leaves it, and small enough for a test. */
function withTargets(yaml: string): string {
  const known = (parse(yaml) as { targets: Record<string, unknown> }).targets
  const missing = ['prod', 'ci'].filter((name) => !(name in known)).map((name) => block('yaml', name))
  return yaml.replace(/^targets:\n/m, `targets:\n${missing.join('')}`).replace(/companies: \d+/, 'companies: 40')
}

/** The code block of docs/deploy.md that is marked so: ```sh vm install. */
export function block(language: string, tag: string): string {
  const fence = new RegExp(`^\`\`\`${language} ${tag}\\n([\\s\\S]*?)^\`\`\`$`, 'm')
  const found = fence.exec(readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8'))
  if (found === null) throw new Error(`docs/deploy.md has no block '${language} ${tag}'`)
  return found[1]!
}

export interface WorkflowStep {
  name?: string
  uses?: string
  run?: string
  if?: string
  with?: Record<string, unknown>
}

export function workflowSteps(file: string): WorkflowStep[] {
  const { jobs } = parse(textOf(`.github/workflows/${file}`)) as { jobs: Record<string, { steps: WorkflowStep[] }> }
  return Object.values(jobs).flatMap(({ steps }) => steps)
}
