-- The two schemas: `kavach` holds what people and the API see, under row level security; `private` holds partitions and the
-- functions that run with their owner's rights, and is never exposed to the Data API.
create schema if not exists kavach;
create schema if not exists private;

comment on schema kavach is 'AgentKavach: agents, budgets, events and alerts. Every table has row level security; each organisation sees its own rows.';
comment on schema private is 'AgentKavach internals: partitions of events and security definer functions. Do not expose it to the Data API.';

revoke all on schema kavach, private from public;
grant usage on schema kavach to authenticated, service_role;
grant usage on schema private to authenticated, service_role;

-- How functions refuse. The HTTP layer reads the SQLSTATE as the status, the message as the machine's code, and the detail as
-- {"message": sentence, …details}.
create function private.refuse(p_status int, p_code text, p_message text, p_details jsonb default '{}')
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'KA' || p_status::text,
    message = p_code,
    detail = (p_details || jsonb_build_object('message', p_message))::text;
end;
$$;

comment on function private.refuse(int, text, text, jsonb) is
  'Raises an error for the API: SQLSTATE KA<status>, message <code>, detail {"message": sentence, …}.';

-- Amounts cross the wire as integers: nano-dollars, tokens or calls. Tables keep dollars, tokens and calls.
-- These are PL/pgSQL because an SQL function with a pinned search path is planned anew in every statement that calls it.
create function private.to_wire(p_unit text, p_amount numeric)
returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  return trunc(case when p_unit = 'usd' then p_amount * 1000000000 else p_amount end);
end;
$$;

create function private.from_wire(p_unit text, p_amount numeric)
returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when p_unit = 'usd' then trunc(p_amount) * 0.000000001 else trunc(p_amount) end;
end;
$$;

create function private.to_millis(p_at timestamptz)
returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when isfinite(p_at) then trunc(extract(epoch from p_at) * 1000) end;
end;
$$;

create function private.from_millis(p_millis numeric)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return timestamptz 'epoch' + p_millis::double precision * interval '1 millisecond';
end;
$$;

comment on function private.to_wire(text, numeric) is 'A stored amount as the integer of the wire: nano-dollars, tokens or calls.';
comment on function private.from_wire(text, numeric) is 'An integer of the wire as a stored amount: dollars, tokens or calls.';
comment on function private.to_millis(timestamptz) is 'Milliseconds since the Unix epoch; null for an infinite time.';
comment on function private.from_millis(numeric) is 'The time of so many milliseconds since the Unix epoch.';

revoke execute on all functions in schema private from public;
