import { z } from 'zod'
import { defineChannel, TASK_OUTCOMES, toText } from '../define.ts'

/** Calls as tasks for a person: the template is the script. */
export default defineChannel({
  title: 'Telephone, by hand',
  docs: 'https://www.itu.int/rec/T-REC-E.164',
  settings: z.strictObject({
    /** A call that nobody made so long after its day is past. */
    expires_days: z.int().positive().default(7),
  }),
  done_by: 'person',
  address: 'phone',
  subject: false,
  refuses({ address, body }) {
    const digits = address.replaceAll(/[^0-9]/g, '').length
    if (!/^\+?[0-9][0-9 ().-]*$/.test(address) || digits < 8 || digits > 15) return 'not_a_phone_number'
    return toText(body) === '' ? 'no_text' : undefined
  },
  tasks: {
    expires_days: ({ expires_days }) => expires_days,
    outcomes: {
      ...TASK_OUTCOMES,
      no_answer: { status: 'sent', says: 'it rang, nobody answered' },
      voicemail: { status: 'sent', says: 'a message was left' },
      wrong_number: { status: 'skipped', reason: 'wrong_number', says: 'somebody else is there' },
    },
    exports: {
      dialer: {
        phone: 'phone',
        first_name: 'first_name',
        last_name: 'last_name',
        company_name: 'company',
        title: 'title',
        text: 'script',
        task: 'external_id',
      },
    },
  },
})
