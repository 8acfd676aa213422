-- What an agent does first: it declares its budgets and learns whether it may run, its limits and what is spent already.
create function private.declare_budget(p_org uuid, p_agent uuid, p_budget jsonb, p_name text)
returns kavach.budgets
language plpgsql
set search_path = ''
as $$
declare
  v_budget kavach.budgets;
  v_scope text := p_budget ->> 'scope';
  v_agent uuid := case when v_scope in ('shared', 'org') then null else p_agent end;
  v_unit text := p_budget ->> 'unit';
  v_zone text := p_budget ->> 'timeZone';
  v_limit numeric := private.from_wire(v_unit, (p_budget ->> 'limit')::numeric);
begin
  if not private.is_time_zone(v_zone) then
    perform private.refuse(
      422, 'unknown_time_zone',
      format('Budget %s: the database does not know the time zone %s. Use an IANA name such as Europe/Berlin.',
        p_budget -> 'id', p_budget -> 'timeZone')
    );
  end if;
  insert into kavach.budgets
    (org_id, agent_id, scope, name, unit, period, time_zone, limit_amount, declared_amount, managed_by)
  values (p_org, v_agent, v_scope, p_name, v_unit, p_budget ->> 'period', v_zone, v_limit, v_limit, 'code')
  on conflict do nothing
  returning * into v_budget;
  if v_budget.id is not null then
    return v_budget;
  end if;

  select b.* into v_budget
  from kavach.budgets b
  where b.org_id = p_org and b.period = p_budget ->> 'period' and b.scope = v_scope
    and case v_scope
      when 'org' then true
      when 'shared' then b.name = p_name
      else b.agent_id = v_agent and b.name = p_name and b.unit = v_unit and b.time_zone = v_zone
    end;
  if v_budget.unit <> v_unit or v_budget.time_zone <> v_zone then
    perform private.refuse(
      409, 'budget_conflict',
      format('Budget %s counts %s in windows of %s; this agent declares %s in %s. Declare it alike everywhere.',
        p_budget -> 'id', v_budget.unit, v_budget.time_zone, v_unit, v_zone),
      jsonb_build_object('budgetId', v_budget.id, 'unit', v_budget.unit, 'timeZone', v_budget.time_zone)
    );
  end if;
  if v_budget.declared_amount is distinct from v_limit then
    perform private.change_limit(
      v_budget.id, case when v_budget.managed_by = 'code' then v_limit else v_budget.limit_amount end,
      v_limit, v_budget.managed_by
    );
    select b.* into v_budget from kavach.budgets b where b.id = v_budget.id;
  end if;
  return v_budget;
end;
$$;

-- Events may have come before the agent ever declared a budget: a backend that was down takes them in first. They count.
create function private.charge_earlier_events(p_org uuid, p_agent uuid, p_budgets uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_events private.stored_event[];
begin
  -- Waits for the batches of this agent that are on their way and did not see the budgets.
  perform 1 from kavach.agents a where a.id = p_agent for update;
  select array_agg(row(
    g.agent_id, null, g.minute, 'call', null, null, g.user_name, g.tags, null, null,
    g.cost * 1000000000, g.tokens, g.calls, null, null, null, g.estimated, null
  )::private.stored_event)
  into v_events
  from (
    select e.agent_id, date_trunc('minute', e.started_at) as minute, e.user_name, e.tags, e.estimated,
      sum(e.cost) as cost, sum(e.tokens) as tokens, sum(e.calls) as calls
    from kavach.events e
    where e.org_id = p_org and e.agent_id = p_agent and e.type in ('call', 'charge')
    group by 1, 2, 3, 4, 5
  ) g;
  if v_events is not null then
    perform private.charge_windows(p_org, v_events, p_budgets);
  end if;
end;
$$;

create function private.connect(p jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_org uuid := private.caller_org('sdk');
  v_agent kavach.agents;
  v_is_first boolean;
  v_budget kavach.budgets;
  v_declared record;
  v_new uuid[] := '{}';
  v_ids uuid[] := '{}';
  v_names text[] := '{}';
begin
  perform private.ensure_agents(v_org, array[p ->> 'agent']);
  select a.* into v_agent from kavach.agents a where a.org_id = v_org and a.name = p ->> 'agent';
  if v_agent.id is null then
    perform private.refuse_agent(v_org, p ->> 'agent');
  end if;
  if jsonb_array_length(p -> 'budgets') > 50 then
    perform private.refuse(422, 'too_many_budgets', 'An agent declares at most 50 budgets.');
  end if;
  v_is_first := not exists (select from kavach.budgets b where b.org_id = v_org and b.agent_id = v_agent.id);

  -- In the order of their keys, so that two agents which connect at once do not wait for each other in a circle.
  for v_declared in
    select d.value as budget, d.position,
      -- Two budgets of one agent that differ in nothing but the limit stay two.
      coalesce(d.value ->> 'name', '') || case when d.copy > 1 then '#' || d.copy else '' end as name
    from (
      select e.value, e.position, row_number() over (
        partition by e.value ->> 'scope', e.value ->> 'name', e.value ->> 'unit', e.value ->> 'period', e.value ->> 'timeZone'
        order by e.position
      ) as copy
      from jsonb_array_elements(p -> 'budgets') with ordinality as e (value, position)
    ) d
    order by d.value ->> 'scope', 3, d.value ->> 'period', d.value ->> 'unit', d.value ->> 'timeZone'
  loop
    v_budget := private.declare_budget(v_org, v_agent.id, v_declared.budget, v_declared.name);
    v_ids[v_declared.position] := v_budget.id;
    v_names[v_declared.position] := v_declared.budget ->> 'id';
    if v_budget.agent_id is not null and v_budget.created_at = now() then
      v_new := v_new || v_budget.id;
    end if;
  end loop;
  if v_is_first and v_new <> '{}' then
    perform private.charge_earlier_events(v_org, v_agent.id, v_new);
  end if;
  perform private.see_agents(array[v_agent.id]);

  return jsonb_build_object(
    'organisation', (
      select jsonb_build_object('id', o.id, 'name', o.name, 'plan', o.plan_id) from kavach.organizations o where o.id = v_org
    ),
    'state', (select private.agent_state(a) from kavach.agents a where a.id = v_agent.id),
    'budgets', coalesce((
      select jsonb_agg(
        jsonb_build_object('id', d.name, 'budgetId', b.id, 'limit', private.to_wire(b.unit, b.limit_amount), 'managedBy', b.managed_by)
        || private.present_spend(b, null)
        order by d.position
      )
      from unnest(v_ids, v_names) with ordinality as d (id, name, position)
      join kavach.budgets b on b.id = d.id
    ), '[]'),
    'realtime', null,
    'serverTime', private.to_millis(clock_timestamp())
  );
end;
$$;

comment on function private.declare_budget(uuid, uuid, jsonb, text) is
  'Finds or creates a budget that an agent declares. The limit follows the code until an operator has set it.';
comment on function private.charge_earlier_events(uuid, uuid, uuid[]) is 'Charges an agent''s stored events to budgets that did not exist when they came.';
comment on function private.connect(jsonb) is 'ConnectRequest → ConnectAnswer of the wire, without realtime. Scope sdk.';

revoke execute on all functions in schema private from public;
grant execute on function private.connect(jsonb) to authenticated, service_role;
