import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'

// Tests that run the whole pipeline over and over are for CI, and for who changes what they hold: LONG=1 npm test

const FORMS = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.long.test.ts'))

it('are there', () => expect(FORMS).not.toEqual([]))

for (const file of process.env.LONG ? [] : FORMS) it.skip(`${file} (long; to run it: LONG=1 npm test)`, () => {})
