import { z } from 'zod'
import { defineChannel, TASK_OUTCOMES, toText } from '../define.ts'

/** Longest note that LinkedIn takes with an invitation. */
const NOTE_CHARACTERS = 300

/**
 * LinkedIn as tasks for a person. Its User Agreement (8.2) forbids automated messages, invitations and scraping, so
 * there is nothing here that sends, and there never will be: the words are made ready, somebody says them.
 */
export default defineChannel({
  title: 'LinkedIn, by hand',
  docs: 'https://www.linkedin.com/legal/user-agreement',
  settings: z.strictObject({
    /** Who acts, by the name of the seat: shown with the task. */
    seats: z.array(z.string().min(1)).default([]),
    /** Invitations a day and seat: LinkedIn restricts accounts that send more. */
    per_day: z.int().positive().default(20),
    /** A task that nobody did so long after its day is past. */
    expires_days: z.int().positive().default(14),
  }),
  done_by: 'person',
  address: 'linkedin_url',
  subject: false,
  senders: ({ seats, per_day }) => seats.map((seat) => ({ mailbox: seat, name: seat, per_day })),
  refuses({ address, body }) {
    if (!isProfile(address)) return 'not_a_linkedin_profile'
    return [...toText(body)].length > NOTE_CHARACTERS ? 'note_too_long' : undefined
  },
  tasks: {
    expires_days: ({ expires_days }) => expires_days,
    outcomes: TASK_OUTCOMES,
    exports: {
      // Sales Navigator takes lists of accounts, not of people: name is required, 1,000 rows at most.
      sales_navigator_accounts: {
        company_name: 'Account Name',
        company_website: 'Website',
        company_linkedin_url: 'LinkedIn URL',
        company_country: 'Location',
      },
      // Tools that automate LinkedIn break its terms; whoever loads this into one decides that alone.
      outreach_tool: {
        linkedin_url: 'linkedin_url',
        first_name: 'first_name',
        last_name: 'last_name',
        company_name: 'company',
        title: 'title',
        email: 'email',
        text: 'icebreaker',
        task: 'external_id',
      },
    },
  },
})

function isProfile(address: string): boolean {
  return /^(https?:\/\/)?([a-z]{2,3}\.)?linkedin\.com\/(in|pub)\/[^\s/?#]+(\/\S*|[?#]\S*)?$/i.test(address)
}
