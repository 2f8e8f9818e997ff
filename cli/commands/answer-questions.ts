import type { Command } from 'commander'
import { AskWorker, type ToWorker } from '../../serve/ask/worker.ts'

/** What `serve` starts to answer questions in SQL; of no use to people, and in no help. */
export function register(program: Command): void {
  program.command('answer-questions', { hidden: true }).action(async () => {
    const worker = new AskWorker()
    // A process that is nobody's any more has nothing to answer.
    process.on('disconnect', () => process.exit(0))
    process.on('message', (message: ToWorker) => {
      void worker.handle(message).then((said) => process.send?.(said))
    })
    await new Promise(() => {})
  })
}
