import type { Command } from 'commander'
import { registerPausing } from './pause.ts'

export function register(program: Command): void {
  registerPausing(program, 'resume', 'lift the pause of the same words; without words, every pause')
}
