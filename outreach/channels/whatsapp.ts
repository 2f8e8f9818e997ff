import { z } from 'zod'
import { defineChannel, TASK_OUTCOMES, toText } from '../define.ts'

/** WhatsApp as tasks for a person: its terms forbid bulk and automated messages to people who have not asked for them. */
export default defineChannel({
  title: 'WhatsApp, by hand',
  docs: 'https://www.whatsapp.com/legal/business-policy',
  settings: z.strictObject({
    /** A message that nobody sent so long after its day is past. */
    expires_days: z.int().positive().default(7),
  }),
  done_by: 'person',
  address: 'phone',
  subject: false,
  refuses({ address, body }) {
    const digits = address.replaceAll(/[^0-9]/g, '')
    if (!/^\+[1-9][0-9 ().-]*$/.test(address) || digits.length < 8 || digits.length > 15)
      return 'not_an_international_number'
    const text = toText(body)
    if (text === '') return 'no_text'
    return [...text].length > 4_096 ? 'text_too_long' : undefined
  },
  tasks: {
    expires_days: ({ expires_days }) => expires_days,
    outcomes: {
      ...TASK_OUTCOMES,
      not_on_whatsapp: { status: 'skipped', reason: 'not_on_whatsapp', says: 'the number has no account' },
    },
    exports: {
      click_to_chat: {
        phone: 'phone',
        first_name: 'first_name',
        company_name: 'company',
        text: 'text',
        task: 'external_id',
      },
    },
  },
})
