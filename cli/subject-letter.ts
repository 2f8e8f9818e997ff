/** What a letter says, all of it from what is held. */
export interface LetterFacts {
  controller: string
  date: string
  /** Columns of personal data that are held, without their values. */
  categories: readonly string[]
  sources: readonly { title: string; basis: readonly string[]; first: string | null }[]
  messages: number
  suppressed: boolean
}

const BASIS: Record<'en' | 'pt', Record<string, string>> = {
  en: {
    legitimate_interest: 'legitimate interest (GDPR Art. 6(1)(f); LGPD Art. 7 IX): offering our services to businesses',
    public_record: 'data made public by law (GDPR Art. 6(1)(f); LGPD Art. 7 §3)',
    consent: 'your consent (GDPR Art. 6(1)(a); LGPD Art. 7 I)',
    contract: 'a contract (GDPR Art. 6(1)(b); LGPD Art. 7 V)',
  },
  pt: {
    legitimate_interest:
      'legítimo interesse (LGPD art. 7º, IX; RGPD art. 6º, 1, f): oferecer nossos serviços a empresas',
    public_record: 'dados tornados públicos por lei (LGPD art. 7º, § 3º; RGPD art. 6º, 1, f)',
    consent: 'seu consentimento (LGPD art. 7º, I; RGPD art. 6º, 1, a)',
    contract: 'contrato (LGPD art. 7º, V; RGPD art. 6º, 1, b)',
  },
}

/** The notice of GDPR Art. 14, and of LGPD Art. 9 and 18, as Markdown. What only the controller knows is left to fill in. */
export function letterOf(language: 'en' | 'pt', facts: LetterFacts): string {
  const { controller, date, categories, sources, messages, suppressed } = facts
  const grounds = (basis: readonly string[]) => basis.map((one) => BASIS[language][one] ?? one).join('; ')
  if (language === 'pt') {
    const from = sources.map(
      ({ title, basis, first }) =>
        `- ${title}${first === null ? '' : `, desde ${first}`}: ${grounds(basis) || 'sem base registrada'}`,
    )
    return [
      `# Informações sobre seus dados pessoais\n\n${controller}, ${date}`,
      `Não obtivemos estes dados de você. Informamos, conforme os arts. 9º e 18 da LGPD e o art. 14 do RGPD, o que tratamos:`,
      `**Dados que temos:** ${categories.join(', ') || 'nenhum'}.`,
      `**De onde vieram, e com que base legal:**\n\n${from.join('\n') || '- de nenhuma fonte'}`,
      `**Finalidade:** contato comercial entre empresas. Enviamos a você ${messages} ${messages === 1 ? 'mensagem' : 'mensagens'}.`,
      suppressed
        ? '**Você não será mais contatado(a).**'
        : '**Você pode se opor a qualquer momento**, sem motivo; não escreveremos mais.',
      'Você pode pedir confirmação, acesso, correção, eliminação, portabilidade e oposição, e reclamar à ANPD ou à autoridade do seu país. Encarregado: ____. Prazo de guarda: ____.',
    ].join('\n\n')
  }
  const from = sources.map(
    ({ title, basis, first }) =>
      `- ${title}${first === null ? '' : `, since ${first}`}: ${grounds(basis) || 'no basis on record'}`,
  )
  return [
    `# Information about your personal data\n\n${controller}, ${date}`,
    'We did not obtain these data from you. Under Art. 14 GDPR and Art. 9 and 18 LGPD we tell you what we process:',
    `**Data that we hold:** ${categories.join(', ') || 'none'}.`,
    `**Where they come from, and on what legal basis:**\n\n${from.join('\n') || '- from no source'}`,
    `**Purpose:** contact between businesses. We sent you ${messages} ${messages === 1 ? 'message' : 'messages'}.`,
    suppressed
      ? '**You will not be contacted again.**'
      : '**You may object at any time** (Art. 21(2) GDPR), without a reason; we will then not write again.',
    'You may ask for access, rectification, erasure, restriction and portability, and complain to the supervisory authority of your country. Data protection contact: ____. Kept until: ____.',
  ].join('\n\n')
}
