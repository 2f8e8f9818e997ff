import { z } from 'zod'
import { defineChannel } from '../define.ts'

/** Longest note that LinkedIn takes with an invitation. */
const NOTE_CHARACTERS = 300

/**
 * LinkedIn as tasks for a person. Its User Agreement (8.2) forbids automated messages, invitations and scraping, so
 * there is nothing here that sends, and there never will be: the words are made ready, somebody says them.
 */
export default defineChannel({
  title: 'LinkedIn, by hand',
  docs: 'https://www.linkedin.com/legal/user-agreement',
  settings: z.strictObject({}),
  done_by: 'person',
  address: 'linkedin_url',
  subject: false,
  refuses({ address, body }) {
    if (!isProfile(address)) return 'not_a_linkedin_profile'
    return [...body].length > NOTE_CHARACTERS ? 'note_too_long' : undefined
  },
})

function isProfile(address: string): boolean {
  return /^(https?:\/\/)?([a-z]{2,3}\.)?linkedin\.com\/(in|pub)\/[^\s/?#]+(\/\S*|[?#]\S*)?$/i.test(address)
}
