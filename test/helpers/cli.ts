import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { codeRoot } from '../../pipeline/code-root.ts'

export interface CliResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface CliOptions {
  env?: Record<string, string>
  /** Whose code is run; this repository's unless said. */
  code?: string
  /** What is typed, to its end; nothing can be read from a terminal unless said. */
  input?: string
  /** Handed the running process, e.g. to kill it. */
  onStart?(child: ReturnType<typeof spawn>): void
}

/** Runs the real command in a folder. */
export function pipeline(
  cwd: string,
  args: readonly string[],
  { env = {}, code = codeRoot(), input, onStart }: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(code, 'bin', 'pipeline.mjs'), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => {}).end(input)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    onStart?.(child)
  })
}

const PARSED = 'target/.cache/parsed.json'

/** What this project's YAML comes to, by its content: a copy of the project need not parse it again. */
function parsedYaml(): string {
  const file = join(codeRoot(), PARSED)
  if (!existsSync(file))
    execFileSync(process.execPath, [join(codeRoot(), 'bin', 'pipeline.mjs'), 'ls', '--quiet'], {
      cwd: codeRoot(),
      stdio: 'ignore',
    })
  return file
}

/** The project's own SQL, YAML and seeds in a throw-away folder, with few companies and some files replaced. Code is never copied. */
export function projectCopy(files: Record<string, string> = {}, companies = 40): string {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-e2e-'))
  for (const name of [
    'pipeline.yaml',
    'models',
    'seeds',
    'analyses',
    'ingest/icp.yaml',
    'scoring',
    'outreach',
    'sync',
    'test/data',
  ]) {
    const from = join(codeRoot(), name)
    if (!existsSync(from)) continue
    cpSync(from, join(root, name), { recursive: true, filter: (path) => !path.endsWith('.ts') })
  }
  cpSync(parsedYaml(), join(root, PARSED))
  const config = join(root, 'pipeline.yaml')
  writeFileSync(config, readFileSync(config, 'utf8').replace('companies: 300', `companies: ${companies}`))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}
