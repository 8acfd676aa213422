-- Shared budgets: what is spent, leased and free in the present window.
select b.scope, b.name, b.period, b.unit, b.limit_amount, coalesce(w.spent, 0) as spent, coalesce(w.leased, 0) as leased,
  b.limit_amount - coalesce(w.spent + w.leased, 0) as free, w.estimated, w.window_end, b.id as budget_id
from kavach.budgets b
left join kavach.budget_windows w on w.budget_id = b.id and w.holder = '' and w.window_start <= now() and w.window_end > now()
where b.scope in ('shared', 'org')
order by b.name, b.period;
