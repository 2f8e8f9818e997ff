-- Fit and intent of scoring/scores, the weights, the matrix and the reasons, as one would write them by hand for `facts`.
with flags as (
  select *,
    is_icp_match as f_icp,
    icp_soft_met >= 0.5 * nullif(icp_soft_total, 0) as f_wish,
    industry in ('saas', 'software', 'fintech', 'it_services') as f_ind,
    employee_count >= coalesce(icp_employees_min, 1) and employee_count <= coalesce(icp_employees_max, employee_count) as f_size,
    employee_count < coalesce(0.5 * icp_employees_min, 0) as f_small,
    revenue_usd >= coalesce(icp_revenue_min, 0) as f_pay,
    funding_stage in ('seed', 'series_a', 'series_b', 'series_c', 'series_d', 'public') as f_back,
    len(tech_wanted_found) > 0 as f_want,
    len(tech_unwanted_found) > 0 as f_unw,
    seniority in ('owner', 'founder', 'c_level', 'partner', 'vp', 'head', 'director') as f_dec,
    case when title is not null then persona is not null end as f_per,
    email_status = 'valid' as f_reach,
    email_status = 'invalid' as f_bad,
    case when signal_count is not null then coalesce(hiring_signal_at > as_of() - 365, false) end and (hiring_signal_at is not null or null) as i_hire,
    case when signal_count is not null then coalesce(funding_signal_at > as_of() - 365, false) end and (funding_signal_at is not null or null) as i_fund,
    case when signal_count is not null then coalesce(expansion_signal_at > as_of() - 365, false) end and (expansion_signal_at is not null or null) as i_exp,
    case when signal_count is not null then coalesce(leadership_change_signal_at > as_of() - 365, false) end and (leadership_change_signal_at is not null or null) as i_lead,
    case when signal_count is not null then coalesce(tech_adoption_signal_at > as_of() - 365, false) end and (tech_adoption_signal_at is not null or null) as i_tech,
    signal_count >= 2 as i_several,
    news_count_90d >= 1 as i_news,
    social_posts_90d >= 6 as i_social,
    signal_count = 0 and news_count_90d = 0 as i_silent,
    coalesce((40::double * pow(0.5, greatest(0, as_of() - hiring_signal_at) / 90.0::double))::decimal(9,4), 40) as p_hire,
    coalesce((45::double * pow(0.5, greatest(0, as_of() - funding_signal_at) / 120.0::double))::decimal(9,4), 45) as p_fund,
    coalesce((35::double * pow(0.5, greatest(0, as_of() - expansion_signal_at) / 120.0::double))::decimal(9,4), 35) as p_exp,
    coalesce((35::double * pow(0.5, greatest(0, as_of() - leadership_change_signal_at) / 90.0::double))::decimal(9,4), 35) as p_lead,
    coalesce((30::double * pow(0.5, greatest(0, as_of() - tech_adoption_signal_at) / 90.0::double))::decimal(9,4), 30) as p_tech,
    case when funding_signal_at > as_of() - 365 then true
      when funding_stage in ('series_a', 'series_b', 'series_c', 'series_d', 'public') then true
      when revenue_usd is not null then revenue_usd >= 1000000 end as budget_signal,
    seniority in ('owner', 'founder', 'c_level', 'partner', 'vp', 'head', 'director') as authority_signal,
    case when hiring_signal_at > as_of() - 180 or tech_adoption_signal_at > as_of() - 180 then true
      when len(tech_wanted_found) > 0 then true
      when signal_count is not null and tech_wanted_found is not null then false end as need_signal,
    case when latest_signal_at is not null then latest_signal_at > as_of() - 90
      when signal_count is not null then false end as timeline_signal,
    not is_icp_match as d_icp,
    len(tech_unwanted_found) >= 3 as d_stack
  from facts
), groups as (
  select *,
    if(f_icp, 25, 0) + if(f_wish, 10, 0) + if(f_ind, 10, 0) + if(f_back, 5, 0) as g_fit,
    if(coalesce(f_icp, true), 25, 0) + if(coalesce(f_wish, true), 10, 0) + if(coalesce(f_ind, true), 10, 0) + if(coalesce(f_back, true), 5, 0) as g_fit_h,
    if(f_size, 15, 0) + if(f_small, -15, 0) + if(f_pay, 10, 0) as g_size,
    if(f_size, 15, 0) + if(coalesce(f_small, true), -15, 0) + if(f_pay, 10, 0) as g_size_l,
    if(coalesce(f_size, true), 15, 0) + if(f_small, -15, 0) + if(coalesce(f_pay, true), 10, 0) as g_size_h,
    if(f_want, 15, 0) + if(f_unw, -15, 0) as g_tech,
    if(f_want, 15, 0) + if(coalesce(f_unw, true), -15, 0) as g_tech_l,
    if(coalesce(f_want, true), 15, 0) + if(f_unw, -15, 0) as g_tech_h,
    if(f_dec, 15, 0) + if(f_per, 10, 0) + if(f_reach, 10, 0) + if(f_bad, -10, 0) as g_con,
    if(f_dec, 15, 0) + if(f_per, 10, 0) + if(f_reach, 10, 0) + if(coalesce(f_bad, true), -10, 0) as g_con_l,
    if(coalesce(f_dec, true), 15, 0) + if(coalesce(f_per, true), 10, 0) + if(coalesce(f_reach, true), 10, 0) + if(f_bad, -10, 0) as g_con_h,
    if(i_hire, p_hire, 0) + if(i_fund, p_fund, 0) + if(i_exp, p_exp, 0) + if(i_lead, p_lead, 0) + if(i_tech, p_tech, 0) as g_sig, if(i_several, 15, 0) as g_int,
    if(coalesce(i_hire, true), p_hire, 0) + if(coalesce(i_fund, true), p_fund, 0) + if(coalesce(i_exp, true), p_exp, 0) + if(coalesce(i_lead, true), p_lead, 0) + if(coalesce(i_tech, true), p_tech, 0) as g_sig_h, if(coalesce(i_several, true), 15, 0) as g_int_h,
    if(i_news, 15, 0) + if(i_social, 10, 0) + if(i_silent, -10, 0) as g_att,
    if(i_news, 15, 0) + if(i_social, 10, 0) + if(coalesce(i_silent, true), -10, 0) as g_att_l,
    if(coalesce(i_news, true), 15, 0) + if(coalesce(i_social, true), 10, 0) + if(i_silent, -10, 0) as g_att_h
  from flags
), raws as (
  select *,
    g_fit + greatest(-20, least(20, g_size)) + greatest(-20, least(15, g_tech)) + greatest(-10, least(30, g_con)) as fit_raw,
    g_fit + greatest(-20, least(20, g_size_l)) + greatest(-20, least(15, g_tech_l)) + greatest(-10, least(30, g_con_l)) as fit_raw_l,
    g_fit_h + greatest(-20, least(20, g_size_h)) + greatest(-20, least(15, g_tech_h)) + greatest(-10, least(30, g_con_h)) as fit_raw_h,
    g_int + least(75, g_sig) + greatest(-10, least(25, g_att)) as int_raw,
    g_int + least(75, g_sig) + greatest(-10, least(25, g_att_l)) as int_raw_l,
    g_int_h + least(75, g_sig_h) + greatest(-10, least(25, g_att_h)) as int_raw_h
  from groups
), cards as (
  select *,
    greatest(0, least(100, fit_raw))::decimal(9,4) as fit, greatest(0, least(100, fit_raw_l))::decimal(9,4) as fit_l, greatest(0, least(100, fit_raw_h))::decimal(9,4) as fit_h,
    greatest(0, least(100, int_raw))::decimal(9,4) as intent, greatest(0, least(100, int_raw_l))::decimal(9,4) as int_l, greatest(0, least(100, int_raw_h))::decimal(9,4) as int_h
  from raws
), totals as (
  select *,
    (fit * 0.6)::decimal(9,4) as fit_w, (intent * 0.4)::decimal(9,4) as int_w,
    ((fit_l * 0.6)::decimal(9,4) + (int_l * 0.4)::decimal(9,4))::decimal(9,4) as low,
    ((fit_h * 0.6)::decimal(9,4) + (int_h * 0.4)::decimal(9,4))::decimal(9,4) as high,
    case when fit >= 70 then 'A' when fit >= 45 then 'B' else 'C' end as fit_band,
    case when intent >= 50 then 'A' when intent >= 20 then 'B' else 'C' end as int_band,
    case when fit_h >= 70 then if(int_h >= 20, 'A', 'B') when fit_h >= 45 then if(int_h >= 20, 'B', 'C') else 'C' end as tier_h
  from cards
), tiers as (
  select *,
    (fit_w + int_w)::decimal(9,4) as total,
    case fit_band when 'A' then if(int_band in ('A', 'B'), 'A', 'B') when 'B' then if(int_band in ('A', 'B'), 'B', 'C') else 'C' end as tier
  from totals
), decided as (
  select *,
    case when coalesce(d_icp or d_stack, false) then 'disqualified' when tier = 'A' then 'qualified' when tier = 'B' or tier_h <> 'C' then 'nurture' else 'disqualified' end as status
  from tiers
)
select
  lead_id, total::double as score, fit::double as fit_score, intent::double as intent_score, tier, status as qualification_status,
  budget_signal, authority_signal, need_signal, timeline_signal,
  {'min': low::double, 'max': high::double} as score_possible,
  list_filter([
    case when email_status is null and (f_reach is null or f_bad is null) then 'email_status' end,
    case when employee_count is null and (f_size is null or f_small is null) then 'employee_count' end,
    case when expansion_signal_at is null and i_exp is null then 'expansion_signal_at' end,
    case when funding_signal_at is null and i_fund is null then 'funding_signal_at' end,
    case when funding_stage is null and f_back is null then 'funding_stage' end,
    case when hiring_signal_at is null and i_hire is null then 'hiring_signal_at' end,
    case when icp_soft_met is null and f_wish is null then 'icp_soft_met' end,
    case when icp_soft_total is null and f_wish is null then 'icp_soft_total' end,
    case when industry is null and f_ind is null then 'industry' end,
    case when is_icp_match is null and f_icp is null then 'is_icp_match' end,
    case when leadership_change_signal_at is null and i_lead is null then 'leadership_change_signal_at' end,
    case when news_count_90d is null and (i_news is null or i_silent is null) then 'news_count_90d' end,
    case when persona is null and f_per is null then 'persona' end,
    case when revenue_usd is null and f_pay is null then 'revenue_usd' end,
    case when seniority is null and f_dec is null then 'seniority' end,
    case when signal_count is null and (i_hire is null or i_fund is null or i_exp is null or i_lead is null or i_tech is null or i_several is null or i_silent is null) then 'signal_count' end,
    case when social_posts_90d is null and i_social is null then 'social_posts_90d' end,
    case when tech_adoption_signal_at is null and i_tech is null then 'tech_adoption_signal_at' end,
    case when tech_unwanted_found is null and f_unw is null then 'tech_unwanted_found' end,
    case when tech_wanted_found is null and f_want is null then 'tech_wanted_found' end,
    case when title is null and f_per is null then 'title' end
  ], lambda c: c is not null) as needs_data,
  list_transform(list_sort(list_filter([
    case when f_icp then {'w': -25.0::decimal(9,4), 'rule': 'fit.icp_match', 'points': 25::decimal(9,4), 'because': 'matches the profile ' || coalesce(array_to_string(icp_profiles, ', '), 'unknown'), 'evidence': 'icp_profiles=' || array_to_string(icp_profiles, ', ')} end,
    case when f_wish then {'w': -10.0::decimal(9,4), 'rule': 'fit.icp_wishes', 'points': 10::decimal(9,4), 'because': 'meets ' || icp_soft_met || ' of ' || icp_soft_total || ' wishes of the profile', 'evidence': 'icp_soft_met=' || icp_soft_met || '; icp_soft_total=' || icp_soft_total} end,
    case when f_ind then {'w': -10.0::decimal(9,4), 'rule': 'fit.target_industry', 'points': 10::decimal(9,4), 'because': 'industry is ' || industry, 'evidence': 'industry=' || industry} end,
    case when f_size then {'w': -15.0::decimal(9,4), 'rule': 'fit.right_size', 'points': 15::decimal(9,4), 'because': employee_count || ' employees, as the profile asks', 'evidence': concat_ws('; ', 'employee_count=' || employee_count, 'icp_employees_min=' || icp_employees_min, 'icp_employees_max=' || icp_employees_max)} end,
    case when f_small then {'w': -15.0::decimal(9,4), 'rule': 'fit.too_small', 'points': -15::decimal(9,4), 'because': 'only ' || employee_count || ' employees, less than half of what the profile asks', 'evidence': concat_ws('; ', 'employee_count=' || employee_count, 'icp_employees_min=' || icp_employees_min)} end,
    case when f_pay then {'w': -10.0::decimal(9,4), 'rule': 'fit.can_pay', 'points': 10::decimal(9,4), 'because': 'revenue of ' || format('{:.12g}', revenue_usd) || ' USD a year, as the profile asks', 'evidence': concat_ws('; ', 'revenue_usd=' || format('{:.12g}', revenue_usd), 'icp_revenue_min=' || format('{:.12g}', icp_revenue_min))} end,
    case when f_back then {'w': -5.0::decimal(9,4), 'rule': 'fit.backed', 'points': 5::decimal(9,4), 'because': 'funding stage is ' || funding_stage, 'evidence': 'funding_stage=' || funding_stage} end,
    case when f_want then {'w': -15.0::decimal(9,4), 'rule': 'fit.wanted_technology', 'points': 15::decimal(9,4), 'because': 'uses ' || array_to_string(tech_wanted_found, ', '), 'evidence': 'tech_wanted_found=' || array_to_string(tech_wanted_found, ', ')} end,
    case when f_unw then {'w': -15.0::decimal(9,4), 'rule': 'fit.unwanted_technology', 'points': -15::decimal(9,4), 'because': 'uses ' || array_to_string(tech_unwanted_found, ', '), 'evidence': 'tech_unwanted_found=' || array_to_string(tech_unwanted_found, ', ')} end,
    case when f_dec then {'w': -15.0::decimal(9,4), 'rule': 'fit.decision_maker', 'points': 15::decimal(9,4), 'because': coalesce(title, 'unknown') || ' decides or sits with who does', 'evidence': concat_ws('; ', 'title=' || title, 'seniority=' || seniority)} end,
    case when f_per then {'w': -10.0::decimal(9,4), 'rule': 'fit.buying_persona', 'points': 10::decimal(9,4), 'because': title || ' is the persona ' || persona, 'evidence': 'persona=' || persona || '; title=' || title} end,
    case when f_reach then {'w': -10.0::decimal(9,4), 'rule': 'fit.reachable', 'points': 10::decimal(9,4), 'because': 'the e-mail address is ' || email_status, 'evidence': 'email_status=' || email_status} end,
    case when f_bad then {'w': -10.0::decimal(9,4), 'rule': 'fit.bad_address', 'points': -10::decimal(9,4), 'because': 'the e-mail address is ' || email_status, 'evidence': 'email_status=' || email_status} end,
    case when i_hire and p_hire <> 0 then {'w': -p_hire, 'rule': 'intent.hiring', 'points': p_hire, 'because': 'hiring, seen ' || hiring_signal_at || ': ' || coalesce(hiring_evidence, 'unknown'), 'evidence': concat_ws('; ', 'hiring_signal_at=' || hiring_signal_at, 'hiring_evidence=' || hiring_evidence)} end,
    case when i_fund and p_fund <> 0 then {'w': -p_fund, 'rule': 'intent.funding', 'points': p_fund, 'because': 'funding, seen ' || funding_signal_at || ': ' || coalesce(funding_evidence, 'unknown'), 'evidence': concat_ws('; ', 'funding_signal_at=' || funding_signal_at, 'funding_evidence=' || funding_evidence)} end,
    case when i_exp and p_exp <> 0 then {'w': -p_exp, 'rule': 'intent.expansion', 'points': p_exp, 'because': 'expansion, seen ' || expansion_signal_at || ': ' || coalesce(expansion_evidence, 'unknown'), 'evidence': concat_ws('; ', 'expansion_signal_at=' || expansion_signal_at, 'expansion_evidence=' || expansion_evidence)} end,
    case when i_lead and p_lead <> 0 then {'w': -p_lead, 'rule': 'intent.new_leadership', 'points': p_lead, 'because': 'new leadership, seen ' || leadership_change_signal_at || ': ' || coalesce(leadership_change_evidence, 'unknown'), 'evidence': concat_ws('; ', 'leadership_change_signal_at=' || leadership_change_signal_at, 'leadership_change_evidence=' || leadership_change_evidence)} end,
    case when i_tech and p_tech <> 0 then {'w': -p_tech, 'rule': 'intent.adopting_technology', 'points': p_tech, 'because': 'adopting technology, seen ' || tech_adoption_signal_at || ': ' || coalesce(tech_adoption_evidence, 'unknown'), 'evidence': concat_ws('; ', 'tech_adoption_signal_at=' || tech_adoption_signal_at, 'tech_adoption_evidence=' || tech_adoption_evidence)} end,
    case when i_several then {'w': -15.0::decimal(9,4), 'rule': 'intent.several_signals', 'points': 15::decimal(9,4), 'because': signal_count || ' signals', 'evidence': 'signal_count=' || signal_count} end,
    case when i_news then {'w': -15.0::decimal(9,4), 'rule': 'intent.in_the_news', 'points': 15::decimal(9,4), 'because': 'mentions in the news in 90 days: ' || news_count_90d || ', the last on ' || coalesce(latest_news_at::varchar, 'unknown'), 'evidence': concat_ws('; ', 'news_count_90d=' || news_count_90d, 'latest_news_title=' || latest_news_title, 'latest_news_url=' || latest_news_url)} end,
    case when i_social then {'w': -10.0::decimal(9,4), 'rule': 'intent.active_on_social', 'points': 10::decimal(9,4), 'because': social_posts_90d || ' posts in 90 days', 'evidence': 'social_posts_90d=' || social_posts_90d} end,
    case when i_silent then {'w': -10.0::decimal(9,4), 'rule': 'intent.silent', 'points': -10::decimal(9,4), 'because': 'no signal and no news in 90 days', 'evidence': 'news_count_90d=' || news_count_90d || '; signal_count=' || signal_count} end,
    case when greatest(-20, least(20, g_size)) <> g_size then {'w': -abs(greatest(-20, least(20, g_size)) - g_size)::decimal(9,4), 'rule': 'fit.size.cap', 'points': (greatest(-20, least(20, g_size)) - g_size)::decimal(9,4), 'because': 'size counts from -20 to 20: it was ' || g_size, 'evidence': null::varchar} end,
    case when greatest(-20, least(15, g_tech)) <> g_tech then {'w': -abs(greatest(-20, least(15, g_tech)) - g_tech)::decimal(9,4), 'rule': 'fit.technology.cap', 'points': (greatest(-20, least(15, g_tech)) - g_tech)::decimal(9,4), 'because': 'technology counts from -20 to 15: it was ' || g_tech, 'evidence': null::varchar} end,
    case when greatest(-10, least(30, g_con)) <> g_con then {'w': -abs(greatest(-10, least(30, g_con)) - g_con)::decimal(9,4), 'rule': 'fit.contact.cap', 'points': (greatest(-10, least(30, g_con)) - g_con)::decimal(9,4), 'because': 'contact counts from -10 to 30: it was ' || g_con, 'evidence': null::varchar} end,
    case when least(75, g_sig) <> g_sig then {'w': -abs(least(75, g_sig) - g_sig)::decimal(9,4), 'rule': 'intent.signals.cap', 'points': (least(75, g_sig) - g_sig)::decimal(9,4), 'because': 'signals counts from any to 75: it was ' || format('{:.12g}', g_sig::double), 'evidence': null::varchar} end,
    case when greatest(-10, least(25, g_att)) <> g_att then {'w': -abs(greatest(-10, least(25, g_att)) - g_att)::decimal(9,4), 'rule': 'intent.attention.cap', 'points': (greatest(-10, least(25, g_att)) - g_att)::decimal(9,4), 'because': 'attention counts from -10 to 25: it was ' || g_att, 'evidence': null::varchar} end,
    case when fit <> fit_raw then {'w': -abs(fit - fit_raw)::decimal(9,4), 'rule': 'fit.range', 'points': (fit - fit_raw)::decimal(9,4), 'because': 'fit counts from 0 to 100: it was ' || format('{:.12g}', fit_raw::double), 'evidence': null::varchar} end,
    case when intent <> int_raw then {'w': -abs(intent - int_raw)::decimal(9,4), 'rule': 'intent.range', 'points': (intent - int_raw)::decimal(9,4), 'because': 'intent counts from 0 to 100: it was ' || format('{:.12g}', int_raw::double), 'evidence': null::varchar} end,
    case when fit_w <> fit then {'w': -abs(fit_w - fit)::decimal(9,4), 'rule': 'fit.weight', 'points': (fit_w - fit)::decimal(9,4), 'because': 'fit counts 60%: ' || format('{:.12g}', fit::double) || ' becomes ' || format('{:.12g}', fit_w::double), 'evidence': null::varchar} end,
    case when int_w <> intent then {'w': -abs(int_w - intent)::decimal(9,4), 'rule': 'intent.weight', 'points': (int_w - intent)::decimal(9,4), 'because': 'intent counts 40%: ' || format('{:.12g}', intent::double) || ' becomes ' || format('{:.12g}', int_w::double), 'evidence': null::varchar} end,
    case when d_icp then {'w': 0::decimal(9,4), 'rule': 'status.not_icp', 'points': 0::decimal(9,4), 'because': 'outside the ideal customer profile: ' || coalesce(nullif(array_to_string(icp_failed_rules, ', '), ''), 'unknown'), 'evidence': 'icp_failed_rules=' || nullif(array_to_string(icp_failed_rules, ', '), '')} end,
    case when d_stack then {'w': 0::decimal(9,4), 'rule': 'status.unwanted_stack', 'points': 0::decimal(9,4), 'because': 'runs on ' || array_to_string(tech_unwanted_found, ', '), 'evidence': 'tech_unwanted_found=' || array_to_string(tech_unwanted_found, ', ')} end,
    {'w': 0::decimal(9,4), 'rule': 'tier.matrix', 'points': 0::decimal(9,4), 'because': 'fit ' || fit_band || ' and intent ' || int_band || ' make tier ' || tier, 'evidence': null::varchar},
    case when tier = 'C' and tier_h = 'C' then {'w': 0::decimal(9,4), 'rule': 'status.below_line', 'points': 0::decimal(9,4), 'because': 'tier C is below the line: at most tier C', 'evidence': null::varchar} end,
    case when tier = 'C' and tier_h <> 'C' and status = 'nurture' then {'w': 0::decimal(9,4), 'rule': 'status.missing_data', 'points': 0::decimal(9,4), 'because': 'tier C is below the line for missing data: it could reach tier ' || tier_h, 'evidence': null::varchar} end
  ], lambda r: r is not null)), lambda r: {'rule': r.rule, 'points': r.points, 'because': r.because, 'evidence': r.evidence}) as reasons
from decided
