-- Kill, resume, set a limit: each is recorded and reaches every process over the control topic.

-- People are named by their session; what a key or an operator of the database says about itself is taken as it is.
create function private.caller_name(p_by text)
returns text
language sql
stable
security definer
set search_path = ''
as $$
  select left(coalesce(
    case when auth.uid() is not null then coalesce(auth.email(), auth.uid()::text) end,
    p_by,
    (select k.prefix from kavach.api_keys k where k.id = (auth.jwt() ->> 'kavach_key')::uuid),
    'operator'
  ), 200);
$$;

create function private.set_killed(p_agent uuid, p_killed boolean, p_reason text, p_by text)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_before kavach.agents;
  v_agent kavach.agents;
  v_action text := case when p_killed then 'kill' else 'resume' end;
  v_state jsonb;
begin
  -- Locked: of two who stop an agent at once, the second one learns of the first.
  select a.* into v_before from kavach.agents a where a.id = p_agent for no key update;
  update kavach.agents a
  set killed = p_killed,
    kill_epoch = a.kill_epoch + 1,
    kill_reason = case when p_killed then p_reason end,
    killed_by = case when p_killed then p_by end,
    killed_at = case when p_killed then now() end
  where a.id = p_agent
  returning a.* into v_agent;
  insert into kavach.kills (org_id, agent_id, epoch, action, reason, by_whom)
  values (v_agent.org_id, v_agent.id, v_agent.kill_epoch, v_action, v_agent.kill_reason, p_by);
  v_state := private.agent_state(v_agent);
  perform private.broadcast(
    v_agent.org_id, v_action, v_state || jsonb_build_object('type', v_action, 'by', p_by)
  );
  return v_state || jsonb_build_object('before', private.agent_state(v_before));
end;
$$;

create function private.agent_named(p_org uuid, p_agent text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_agent uuid;
begin
  select a.id into v_agent from kavach.agents a where a.org_id = p_org and a.name = p_agent;
  if v_agent is null then
    perform private.refuse(404, 'agent_not_found', format('There is no agent %s in the organisation.', to_json(p_agent)));
  end if;
  return v_agent;
end;
$$;

create function private.kill_agent(p_org uuid, p_agent text, p_reason text, p_by text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_scope(p_org, 'control');
  if p_reason is null or p_reason not in (
    'cost', 'tokens', 'calls', 'tools', 'duration', 'loop', 'velocity', 'manual',
    'tier_agent_limit', 'daily_limit', 'org_budget_exceeded', 'key_revoked'
  ) then
    perform private.refuse(
      422, 'invalid_reason',
      'The reason is one of manual, cost, tokens, calls, tools, duration, loop, velocity, tier_agent_limit, daily_limit, org_budget_exceeded, key_revoked.'
    );
  end if;
  return private.set_killed(private.agent_named(p_org, p_agent), true, p_reason, private.caller_name(p_by));
end;
$$;

create function private.resume_agent(p_org uuid, p_agent text, p_by text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_scope(p_org, 'control');
  return private.set_killed(private.agent_named(p_org, p_agent), false, null, private.caller_name(p_by));
end;
$$;

-- The windows are locked before the limit changes, so that a lease is granted under the old limit or the new one.
create function private.change_limit(p_budget uuid, p_limit numeric, p_declared numeric, p_managed_by text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_old kavach.budgets;
  v_budget kavach.budgets;
begin
  perform 1 from kavach.budget_windows w
  where w.budget_id = p_budget and w.window_end > now()
  order by w.holder, w.window_start
  for no key update;
  select b.* into v_old from kavach.budgets b where b.id = p_budget for no key update;
  update kavach.budgets b
  set limit_amount = p_limit, declared_amount = p_declared, managed_by = p_managed_by, updated_at = now()
  where b.id = p_budget
  returning b.* into v_budget;
  if p_limit > v_old.limit_amount then
    -- Thresholds above the new ratio may fire again.
    update kavach.budget_windows w
    set fired = array(select f.share from unnest(w.fired) as f (share) where w.spent >= f.share * p_limit)
    where w.budget_id = p_budget and w.window_end > now() and w.fired <> '{}';
  end if;
  if (p_limit, p_managed_by) is distinct from (v_old.limit_amount, v_old.managed_by) then
    perform private.broadcast(v_budget.org_id, 'limit', jsonb_build_object(
      'type', 'limit', 'budgetId', v_budget.id, 'limit', private.to_wire(v_budget.unit, p_limit), 'managedBy', p_managed_by
    ));
  end if;
end;
$$;

create function private.set_limit(p_budget uuid, p_limit numeric, p_by text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_budget kavach.budgets;
  v_limit numeric := round(p_limit, 9);
  v_is_admin boolean;
begin
  select b.* into v_budget from kavach.budgets b where b.id = p_budget;
  v_is_admin := private.is_trusted() or v_budget.org_id in (select private.orgs_with('admin'));
  if v_budget.id is null or not (
    v_is_admin or v_budget.org_id in (select private.orgs_with('read')) or v_budget.org_id in (select private.orgs_with('sdk'))
  ) then
    perform private.refuse(404, 'budget_not_found', 'There is no such budget in your organisation.');
  end if;
  if not v_is_admin then
    perform private.require_scope(v_budget.org_id, 'sdk');
    if v_budget.managed_by = 'operator' then
      perform private.refuse(
        403, 'limit_managed', 'An operator has set this limit. Change it with npx agentkavach budget set, or hand it back to the code with npx agentkavach budget release.'
      );
    end if;
  end if;
  if v_limit is null or v_limit <= 0 or v_limit > (case when v_budget.unit = 'usd' then 9000000 else 1000000000000000 end)
    or (v_budget.unit <> 'usd' and v_limit <> trunc(v_limit)) then
    perform private.refuse(
      422, 'invalid_limit',
      case v_budget.unit
        when 'usd' then 'A limit is more than 0 and at most 9,000,000 dollars. To stop all calls, kill the agent.'
        else format('A limit is a whole number of %s from 1 to 1e15. To stop all calls, kill the agent.', v_budget.unit)
      end
    );
  end if;
  perform private.change_limit(
    p_budget, v_limit, v_budget.declared_amount, case when v_is_admin then 'operator' else 'code' end
  );
  return jsonb_build_object(
    'id', p_budget, 'limit', trim_scale(v_limit), 'managedBy', case when v_is_admin then 'operator' else 'code' end,
    'by', private.caller_name(p_by)
  );
end;
$$;

create function private.release_limit(p_budget uuid, p_by text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_budget kavach.budgets;
begin
  select b.* into v_budget from kavach.budgets b where b.id = p_budget;
  if v_budget.id is null or not (
    private.is_trusted() or v_budget.org_id in (select private.orgs_with('admin') union select private.orgs_with('read')
      union select private.orgs_with('sdk'))
  ) then
    perform private.refuse(404, 'budget_not_found', 'There is no such budget in your organisation.');
  end if;
  perform private.require_scope(v_budget.org_id, 'admin');
  if v_budget.declared_amount is null then
    perform private.refuse(
      409, 'not_declared', 'No code has declared this budget, so there is no limit to go back to. Change its limit, or delete it.'
    );
  end if;
  perform private.change_limit(p_budget, v_budget.declared_amount, v_budget.declared_amount, 'code');
  return jsonb_build_object(
    'id', p_budget, 'limit', trim_scale(v_budget.declared_amount), 'managedBy', 'code', 'by', private.caller_name(p_by)
  );
end;
$$;

comment on function private.caller_name(text) is 'Who calls, for the record: the person''s e-mail address, what a key says, its prefix, or operator.';
comment on function private.set_killed(uuid, boolean, text, text) is 'Stops or resumes an agent: row, history and broadcast. Checks no scope. Returns AgentChange.';
comment on function private.agent_named(uuid, text) is 'The id of an agent, or 404 agent_not_found.';
comment on function private.kill_agent(uuid, text, text, text) is 'See kavach.kill_agent.';
comment on function private.resume_agent(uuid, text, text) is 'See kavach.resume_agent.';
comment on function private.change_limit(uuid, numeric, numeric, text) is 'Changes a limit, arms thresholds again and broadcasts. Checks no scope.';
comment on function private.set_limit(uuid, numeric, text) is 'See kavach.set_limit.';
comment on function private.release_limit(uuid, text) is 'See kavach.release_limit.';

-- What operators call in Studio and over the Data API. They run with the caller's rights.
create function kavach.kill_agent(p_org uuid, p_agent text, p_reason text default 'manual', p_by text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.kill_agent(p_org, p_agent, p_reason, p_by);
$$;

create function kavach.resume_agent(p_org uuid, p_agent text, p_by text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.resume_agent(p_org, p_agent, p_by);
$$;

create function kavach.set_limit(p_budget uuid, p_limit numeric, p_by text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.set_limit(p_budget, p_limit, p_by);
$$;

create function kavach.release_limit(p_budget uuid, p_by text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.release_limit(p_budget, p_by);
$$;

comment on function kavach.kill_agent(uuid, text, text, text) is 'Stops an agent in every process. Scope control. Returns its state, and the one before.';
comment on function kavach.resume_agent(uuid, text, text) is 'Lets a stopped agent run again. Scope control. Returns its state, and the one before.';
comment on function kavach.set_limit(uuid, numeric, text) is
  'Sets a budget''s limit in dollars, tokens or calls. Scope admin; it stays then, whatever the code declares. A key of scope sdk may set it while the code manages it.';
comment on function kavach.release_limit(uuid, text) is
  'Hands a limit that an operator has set back to the code: it is what the code declared last, and follows the code again. Scope admin.';

revoke execute on all functions in schema private, kavach from public;
grant execute on function
  private.kill_agent(uuid, text, text, text), private.resume_agent(uuid, text, text), private.set_limit(uuid, numeric, text),
  private.release_limit(uuid, text),
  kavach.kill_agent(uuid, text, text, text), kavach.resume_agent(uuid, text, text), kavach.set_limit(uuid, numeric, text),
  kavach.release_limit(uuid, text)
to authenticated, service_role;
