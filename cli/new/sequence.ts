import type { NewFiles } from './files.ts'

/** A sequence of two e-mails in two languages. */
export function newSequence(name: string): NewFiles {
  const sequence = `# yaml-language-server: $schema=../../docs/schemas/sequence.json
description: Two messages to leads that qualify.

# SQL over the columns of fct_scored_leads, fct_enriched_leads, dim_contacts and dim_companies (its name: company_name).
audience: "qualification_status = 'qualified' and contact_id is not null"

days: [mon, tue, wed, thu, fri]
language: en
languages: { BR: pt, PT: pt }

steps:
  - { id: intro, channel: email, after_days: 0, template: ${name}/intro }
  - { id: follow_up, channel: email, after_days: 5, template: ${name}/follow_up }
`
  const template = (file: string, text: string) => ({ path: `outreach/templates/${name}/${file}.md`, text })
  return {
    files: [
      { path: `outreach/sequences/${name}.yml`, text: sequence },
      template('intro.en', INTRO_EN),
      template('intro.pt', INTRO_PT),
      template('follow_up.en', FOLLOW_UP_EN),
      template('follow_up.pt', FOLLOW_UP_PT),
    ],
    next: [
      `outreach/templates/${name}/    write what you have to say; {slot|in its place}`,
      `outreach/sequences/${name}.yml    to whom, when, by which channel`,
      `pipeline.yaml    add ${name} to outreach: { sequences: […] } to switch it on`,
      'npx pipeline run --stage outreach --dry-run    who would be written to',
    ],
  }
}

const INTRO_EN = `---
subject: "A question about {company_name}"
---

Hi {first_name|there},

I am writing because of something we noticed: {signal_evidence|your company looks like the ones we help most}.

Would fifteen minutes next week be useful? If not, tell me and I will not write again.

{sender_name|The team}
`
const INTRO_PT = `---
subject: "Uma pergunta sobre a {company_name}"
---

Olá, {first_name|tudo bem}!

Escrevo por algo que notamos: {signal_evidence|a sua empresa se parece com as que mais ajudamos}.

Quinze minutos na próxima semana seriam úteis? Se não, é só dizer, e não escrevo mais.

{sender_name|A equipe}
`
const FOLLOW_UP_EN = `---
subject: "One more thought for {company_name}"
---

Hi {first_name|there},

One line is enough: is this worth a talk, or shall I leave it?

{sender_name|The team}
`
const FOLLOW_UP_PT = `---
subject: "Mais uma ideia para a {company_name}"
---

Olá, {first_name|tudo bem}!

Uma linha basta: vale uma conversa, ou deixo para lá?

{sender_name|A equipe}
`
