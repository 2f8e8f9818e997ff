const WORDS = {
  today: ['Today', 'Hoje'],
  leads: ['Leads', 'Leads'],
  lead: ['Lead', 'Lead'],
  outreach: ['Outreach', 'Contatos'],
  crm: ['CRM', 'CRM'],
  review: ['Review', 'Revisão'],
  scores: ['Scores', 'Pontuação'],
  ask: ['Ask', 'Perguntar'],
  help: ['Keys', 'Teclas'],
  close: ['Close', 'Fechar'],
  key_search: ['/: search', '/: buscar'],
  key_go: [
    'g t, d, l, o, c, r, p, s, a: to Today, My day, Leads, Outreach, CRM, Review, Pipeline, Scores, Ask',
    'g t, d, l, o, c, r, p, s, a: a Hoje, Meu dia, Leads, Contatos, CRM, Revisão, Pipeline, Pontuação, Perguntar',
  ],
  key_move: ['j, k: next and previous', 'j, k: próximo e anterior'],
  key_act: [
    'a, x, e, v: approve, reject, edit, choose the message that has the focus; 1 to 9 answer a question',
    'a, x, e, v: aprovar, rejeitar, editar, escolher a mensagem em foco; 1 a 9 respondem a uma pergunta',
  ],
  key_leads: ['Enter: opens the lead', 'Enter: abre o lead'],
  my_day: ['My day', 'Meu dia'],
  pipeline: ['Pipeline', 'Pipeline'],
  pages: ['Pages', 'Páginas'],
  skip: ['To the content', 'Ir ao conteúdo'],
  stop: ['Stop everything', 'Parar tudo'],
  resume: ['Resume', 'Retomar'],
  paused: ['Paused', 'Em pausa'],
  language: ['Português', 'English'],
  theme: ['Light/dark', 'Claro/escuro'],
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
  since_run: ['since the run before', 'desde a execução anterior'],
  old: ['What you see is old: the last publication is', 'O que você vê é antigo: a última publicação tem'],
  hours: ['hours old.', 'horas.'],
  last_call_failed: ['The last call failed and published nothing:', 'A última chamada falhou e nada publicou:'],
  services: ['Services, and when they last answered', 'Serviços, e quando responderam'],
  caps: ['Against the budget', 'Em relação ao orçamento'],
  no_caps: ['No cap is set: nothing paid is bought.', 'Sem limite definido: nada pago é comprado.'],
  qualified_leads: ['Qualified leads', 'Leads qualificados'],
  failures: ['Failures', 'Falhas'],
  whose: ['Whose', 'De quem'],
  everybody: ['everybody', 'todos'],
  nobody: ['nobody', 'ninguém'],
  replies_to_answer: ['Replies to answer', 'Respostas a responder'],
  tasks_due: ['Tasks', 'Tarefas'],
  approvals: ['Approvals', 'Aprovações'],
  new_leads: ['New leads', 'Novos leads'],
  by_owner: ['By owner', 'Por responsável'],
  copy: ['Copy the text', 'Copiar o texto'],
  copied: ['Copied.', 'Copiado.'],
  answered: ['Answered', 'Respondida'],
  later: ['In three days', 'Em três dias'],
  to_outreach: ['Open the queue', 'Abrir a fila'],
  quiet_day: ['Nothing waits for you.', 'Nada espera por você.'],
  calendar: ['Send calendar', 'Calendário de envio'],
  mailboxes: ['Mailboxes', 'Caixas de e-mail'],
  check_chosen: ['Check chosen', 'Conferir escolhidos'],
  choose_all: ['Choose all', 'Escolher todos'],
  guard_fine: ['nothing stands in its way', 'nada impede'],
  plan: ['Last plan', 'Último plano'],
  no_plan: ['No plan has been made: pipeline sync plan', 'Nenhum plano foi feito: pipeline sync plan'],
  made_at: ['Made', 'Feito em'],
  rejected_rows: ['Rejected rows', 'Linhas rejeitadas'],
  drift: ['Changed by others since we wrote it', 'Mudado por outros desde que escrevemos'],
  counts: ['What was done, or would be', 'O que foi feito, ou seria'],
  old_value: ['We wrote', 'Escrevemos'],
  new_value: ['We would write', 'Escreveríamos'],
  their_value: ['Theirs', 'Deles'],
  note: ['Note', 'Nota'],
  decided: ['Decided', 'Decidido'],
  against_each_other: ['Side by side', 'Lado a lado'],
  nothing_to_decide: ['Nothing waits for a decision.', 'Nada espera por uma decisão.'],
  graph: ['From sources to what is published', 'Das fontes ao que é publicado'],
  graph_hint: [
    'Drag and zoom; a click shows one with all that it reads and feeds.',
    'Arraste e amplie; um clique mostra um com tudo o que lê e alimenta.',
  ],
  whole_graph: ['The whole graph', 'O grafo inteiro'],
  runs: ['Runs', 'Execuções'],
  found_by_tests: ['What tests found', 'O que os testes acharam'],
  all_tests_pass: ['Every test passes.', 'Todos os testes passam.'],
  show_rows: ['Show rows', 'Mostrar linhas'],
  reads: ['Reads', 'Lê'],
  feeds: ['Feeds', 'Alimenta'],
  sql: ['SQL', 'SQL'],
  lineage_of: ['Where it comes from and goes:', 'De onde vem e para onde vai:'],
  comes_from: ['Comes from', 'Vem de'],
  goes_to: ['Goes to', 'Vai para'],
  nodes_found: ['Models, steps, seeds and sources', 'Modelos, passos, seeds e fontes'],
  no_description: ['Not described.', 'Sem descrição.'],
  distribution: ['Distribution', 'Distribuição'],
  coverage: ['How often each rule holds', 'Com que frequência cada regra vale'],
  never_holds: ['Rules that hold for nobody', 'Regras que não valem para ninguém'],
  backtest: ['What scores were worth', 'O que as pontuações valeram'],
  no_outcomes: [
    'Nobody has been written to yet: outcomes fill this.',
    'Ninguém recebeu mensagem ainda: os resultados preenchem isto.',
  ],
  history: ['History', 'Histórico'],
  moved: ['Who moved in the last run', 'Quem mudou na última execução'],
  card: ['Card', 'Ficha'],
  question: ['Your question, as SQL', 'Sua pergunta, em SQL'],
  run_question: ['Ask', 'Perguntar'],
  tables: ['Tables', 'Tabelas'],
  limits: [
    'Reads only; no personal data; at most 1,000 rows and 10 seconds.',
    'Só leitura; sem dados pessoais; no máximo 1.000 linhas e 10 segundos.',
  ],
  more_rows: ['There are more rows: these are the first.', 'Há mais linhas: estas são as primeiras.'],
  possible: ['possible', 'possível'],
  beats: ['beat', 'venceu'],
  nothing_raises: ['Nothing known would raise it.', 'Nada conhecido a aumentaria.'],
  passed: ['passed', 'passou'],
  stands_here: ['stands here', 'parado aqui'],
  not_yet: ['not yet', 'ainda não'],
  previous: ['Back', 'Voltar'],
  exporting: ['rows written…', 'linhas escritas…'],
  forget: ['Delete', 'Apagar'],
  price: ['Price', 'Preço'],
  numbers_of: ['of', 'de'],
  example: ['For example', 'Por exemplo'],
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

/** The reader's language, as numbers and dates are written in it. */
export function tag(): string {
  return current === 'pt' ? 'pt-BR' : 'en-GB'
}

export function count(value: unknown): string {
  return value === null || value === undefined ? '–' : Number(value).toLocaleString(tag(), { maximumFractionDigits: 2 })
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : (part / whole).toLocaleString(tag(), { style: 'percent', maximumFractionDigits: 1 })
}

export function usd(value: unknown): string {
  return Number(value ?? 0).toLocaleString(tag(), { style: 'currency', currency: 'USD' })
}
