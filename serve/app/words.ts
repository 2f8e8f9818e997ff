const WORDS = {
  today: ['Today', 'Hoje'],
  leads: ['Leads', 'Leads'],
  lead: ['Lead', 'Lead'],
  outreach: ['Outreach', 'Contatos'],
  my_day: ['My day', 'Meu dia'],
  pipeline: ['Pipeline', 'Pipeline'],
  pages: ['Pages', 'Páginas'],
  skip: ['To the content', 'Ir ao conteúdo'],
  stop: ['Stop everything', 'Parar tudo'],
  resume: ['Resume', 'Retomar'],
  paused: ['Paused', 'Em pausa'],
  nothing_paused: ['Nothing is paused.', 'Nada está em pausa.'],
  language: ['Português', 'English'],
  theme: ['Light or dark', 'Claro ou escuro'],
  loading: ['Loading…', 'Carregando…'],
  no_answer: ['The server does not answer.', 'O servidor não responde.'],
  nothing_published: ['Nothing has been published yet.', 'Nada foi publicado ainda.'],
  first_run: ['Run this, and the page fills:', 'Execute isto, e a página se preenche:'],
  who: ['Your access token', 'Seu token de acesso'],
  enter: ['Enter', 'Entrar'],
  refused: ['Refused', 'Recusado'],
  again: ['Try again', 'Tentar de novo'],
  none: ['None.', 'Nenhum.'],
  as_table: ['The numbers', 'Os números'],
  funnel: ['Funnel', 'Funil'],
  stage: ['Stage', 'Etapa'],
  companies: ['Companies', 'Empresas'],
  conversion: ['Of the stage before', 'Da etapa anterior'],
  tiers: ['Tiers', 'Níveis'],
  tier_moves: ['Moved since the run before', 'Mudanças desde a execução anterior'],
  spend: ['Spend this month', 'Gasto do mês'],
  per_qualified: ['Per qualified lead', 'Por lead qualificado'],
  failed: ['What failed', 'O que falhou'],
  all_well: ['Nothing failed in the last run.', 'Nada falhou na última execução.'],
  rejects: ['Rejected rows', 'Linhas rejeitadas'],
  freshness: ['Published', 'Publicado'],
  waiting: ['Taken in at the next run', 'Entra na próxima execução'],
  last_runs: ['Last runs', 'Últimas execuções'],
  search: ['Search', 'Buscar'],
  all: ['all', 'todos'],
  score_from: ['Score from', 'Pontuação de'],
  score_to: ['to', 'até'],
  sort: ['Sort by', 'Ordenar por'],
  first_page: ['First page', 'Primeira página'],
  next_page: ['Next page', 'Próxima página'],
  columns: ['Columns', 'Colunas'],
  views: ['Saved views', 'Visões salvas'],
  save_view: ['Save this view as', 'Salvar esta visão como'],
  save: ['Save', 'Salvar'],
  clear: ['Clear filters', 'Limpar filtros'],
  export_csv: ['Export CSV', 'Exportar CSV'],
  keys: ['Keys: / search, j and k move, Enter opens', 'Teclas: / busca, j e k movem, Enter abre'],
  why: ['Why this score', 'Por que esta pontuação'],
  because: ['Reason', 'Motivo'],
  points: ['Points', 'Pontos'],
  total: ['Total', 'Total'],
  evidence: ['Evidence', 'Evidência'],
  would_raise: ['What would raise it', 'O que aumentaria'],
  gate: ['Where it stands', 'Situação'],
  needs_data: ['Lacks', 'Falta'],
  bant: ['BANT', 'BANT'],
  budget: ['Budget', 'Orçamento'],
  authority: ['Authority', 'Autoridade'],
  need: ['Need', 'Necessidade'],
  timeline_signal: ['Timeline', 'Prazo'],
  yes: ['yes', 'sim'],
  no: ['no', 'não'],
  timeline: ['Timeline', 'Linha do tempo'],
  brief: ['Brief', 'Resumo'],
  company: ['Company', 'Empresa'],
  contact: ['Contact', 'Pessoa'],
  provenance: ['Where every value comes from', 'De onde vem cada valor'],
  beaten: ['Values that were beaten', 'Valores preteridos'],
  bought: ['What was paid for it', 'O que custou'],
  acts: ['Decide', 'Decidir'],
  reason: ['Reason', 'Motivo'],
  until: ['Until', 'Até'],
  reject: ['Reject', 'Rejeitar'],
  promote: ['Promote', 'Promover'],
  snooze: ['Snooze', 'Adiar'],
  assign: ['Assign to', 'Atribuir a'],
  noted: ['Taken in at the next run.', 'Entra na próxima execução.'],
  approve: ['Approve', 'Aprovar'],
  approve_chosen: ['Approve chosen', 'Aprovar escolhidos'],
  reject_chosen: ['Reject chosen', 'Rejeitar escolhidos'],
  edit: ['Edit', 'Editar'],
  save_words: ['Save these words', 'Salvar este texto'],
  subject: ['Subject', 'Assunto'],
  body: ['Body', 'Texto'],
  choose: ['Choose', 'Escolher'],
  to_approve: ['To approve', 'A aprovar'],
  scheduled: ['Approved, will leave', 'Aprovados, vão sair'],
  not_sent: ['Why not sent', 'Por que não saiu'],
  replies: ['Replies', 'Respostas'],
  done: ['Done', 'Feito'],
  tasks: ['To do by hand', 'Para fazer à mão'],
  nodes: ['Models, steps and sources', 'Modelos, passos e fontes'],
  tests: ['Tests', 'Testes'],
  nothing_here: ['Nothing here.', 'Nada aqui.'],
} as const

export type Word = keyof typeof WORDS
export type Language = 'en' | 'pt'

function stored(): Language {
  const kept = localStorage.getItem('lead-engine-language')
  if (kept === 'en' || kept === 'pt') return kept
  return navigator.language.toLowerCase().startsWith('pt') ? 'pt' : 'en'
}

let current = stored()

export function language(): Language {
  return current
}

export function setLanguage(next: Language): void {
  current = next
  localStorage.setItem('lead-engine-language', next)
  document.documentElement.lang = next
}

export function t(word: Word): string {
  return WORDS[word][current === 'en' ? 0 : 1]
}

export function count(value: unknown): string {
  return value === null || value === undefined
    ? '–'
    : Number(value).toLocaleString(current, { maximumFractionDigits: 2 })
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : (part / whole).toLocaleString(current, { style: 'percent', maximumFractionDigits: 1 })
}

export function usd(value: unknown): string {
  return Number(value ?? 0).toLocaleString(current, { style: 'currency', currency: 'USD' })
}
