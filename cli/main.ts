import { renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { config } from 'zod'
import { pluginNames } from '../pipeline/code-root.ts'
import { EXIT } from '../pipeline/errors.ts'
import { PROGRAM_VERSION } from '../pipeline/version.ts'

/** A file of `commands/`: adds its command to the program. */
interface CommandFile {
  register(program: Command): void
}

/** The order of the help; a command that is not named here comes last. */
const HELP_ORDER = [
  'run',
  'build',
  'test',
  'seed',
  'snapshot',
  'compile',
  'check',
  'plan',
  'diff',
  'ls',
  'show',
  'source',
  'docs',
  'approve',
  'send',
  'tasks',
  'match',
  'review',
  'retry',
  'pause',
  'resume',
  'suppress',
  'forget',
  'subject',
  'replies',
  'serve',
  'status',
  'debug',
  'ledger',
  'clean',
]

// What is parsed once is not worth a parser compiled for it.
config({ jitless: true })

async function main(words: readonly string[]): Promise<void> {
  const program = new Command('pipeline')
    .description('From an ideal customer profile to the CRM: one tested, replayable pipeline.')
    .version(PROGRAM_VERSION)
    .showHelpAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  const typed = words.find((word) => !word.startsWith('-'))
  const names = pluginNames('cli', 'commands').sort((a, b) => place(a) - place(b))
  const wanted = typed !== undefined && names.includes(typed) ? [typed] : names
  for (const name of wanted) ((await import(`./commands/${name}.ts`)) as CommandFile).register(program)
  for (const command of program.commands) command.exitOverride()
  if (typed === undefined && import.meta.url.endsWith('/main.js')) keepHelp(program)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    const code = (error as { exitCode?: unknown; code?: unknown }).exitCode
    if (typeof code !== 'number') throw error
    process.exitCode = code === 0 ? EXIT.ok : EXIT.project
  }
}

/** Beside the bundle, where the next `--help` finds it without loading any command. */
function keepHelp(program: Command): void {
  const file = join(dirname(fileURLToPath(import.meta.url)), `help-${process.stdout.columns ?? 80}.txt`)
  try {
    writeFileSync(`${file}.${process.pid}`, program.helpInformation())
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // A folder that cannot be written makes help slower, not wrong.
  }
}

function place(name: string): number {
  const index = HELP_ORDER.indexOf(name)
  return index < 0 ? HELP_ORDER.length : index
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed),
)
await main(process.argv.slice(2))
