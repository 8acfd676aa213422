-- Which window a moment falls in: the same rules as the SDK's, so that both count in the same windows.

-- Postgres reads some zone names as abbreviations without daylight saving time.
create function private.zone_of(p_zone text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case lower(p_zone)
    when 'cet' then 'Europe/Brussels'
    when 'met' then 'Europe/Brussels'
    when 'eet' then 'Europe/Athens'
    when 'wet' then 'Europe/Lisbon'
    else p_zone
  end;
end;
$$;

create function private.is_time_zone(p_zone text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_zone !~ '^[A-Za-z]' or length(p_zone) > 100 then
    return false;
  end if;
  perform now() at time zone private.zone_of(p_zone);
  return true;
exception
  when invalid_parameter_value then
    return false;
end;
$$;

-- The first instant at which the local date is p_date or later: exact also where a zone skips or repeats its midnight.
create function private.start_of_date(p_zone text, p_date date)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_midnight timestamptz := p_date::timestamp at time zone 'UTC';
  v_before timestamptz := v_midnight - interval '24 hours';
  v_after timestamptz := v_midnight + interval '24 hours';
  v_offset interval := (v_before at time zone p_zone) - (v_before at time zone 'UTC');
  v_middle timestamptz;
begin
  if p_zone = 'UTC' then
    return v_midnight;
  end if;
  -- The usual day: the offset is the same on both sides.
  if (v_after at time zone p_zone) - (v_after at time zone 'UTC') = v_offset then
    return v_midnight - v_offset;
  end if;
  while v_after - v_before > interval '1 millisecond' loop
    v_middle := timestamptz 'epoch'
      + floor(extract(epoch from v_before + (v_after - v_before) / 2) * 1000)::double precision * interval '1 millisecond';
    if (v_middle at time zone p_zone) >= p_date::timestamp then
      v_after := v_middle;
    else
      v_before := v_middle;
    end if;
  end loop;
  return v_after;
end;
$$;

create function private.window_of(
  p_period text, p_zone text, p_at timestamptz, out window_start timestamptz, out window_end timestamptz
)
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_zone text := private.zone_of(p_zone);
  v_local timestamp;
  v_unit text;
  v_step interval;
  v_first date;
  v_offset numeric;
  v_new_year timestamptz;
begin
  if p_period = 'total' then
    window_start := '-infinity';
    window_end := 'infinity';
    return;
  end if;
  if p_period = 'hourly' then
    -- Hours have 60 minutes always, aligned to the zone's offset on 1 January.
    v_new_year := date_trunc('year', p_at at time zone 'UTC') at time zone 'UTC';
    v_offset := case when v_zone = 'UTC' then 0
      else extract(epoch from (v_new_year at time zone v_zone) - (v_new_year at time zone 'UTC')) % 3600 end;
    window_start := timestamptz 'epoch'
      + (floor((extract(epoch from p_at) + v_offset) / 3600) * 3600 - v_offset)::double precision * interval '1 second';
    window_end := window_start + interval '1 hour';
    return;
  end if;
  v_unit := case p_period when 'daily' then 'day' when 'weekly' then 'week' when 'monthly' then 'month' end;
  if v_unit is null then
    raise exception 'window_of: the period must be hourly, daily, weekly, monthly or total, got %', p_period
      using errcode = 'invalid_parameter_value';
  end if;
  v_step := ('1 ' || v_unit)::interval;
  v_local := date_trunc(v_unit, p_at at time zone v_zone);
  v_first := v_local::date;
  window_start := private.start_of_date(v_zone, v_first);
  window_end := private.start_of_date(v_zone, (v_local + v_step)::date);
  -- Where the clock goes back over midnight, a date is left and entered again: a moment then belongs by its instant.
  while p_at < window_start loop
    v_first := (date_trunc(v_unit, v_first::timestamp - interval '1 day'))::date;
    window_end := window_start;
    window_start := private.start_of_date(v_zone, v_first);
  end loop;
  while p_at >= window_end loop
    v_first := (v_first::timestamp + v_step)::date;
    window_start := window_end;
    window_end := private.start_of_date(v_zone, (v_first::timestamp + v_step)::date);
  end loop;
end;
$$;

comment on function private.zone_of(text) is 'The name under which Postgres knows an IANA zone.';
comment on function private.is_time_zone(text) is 'Whether Postgres knows the zone.';
comment on function private.start_of_date(text, date) is 'The first instant of a local date.';
comment on function private.window_of(text, text, timestamptz) is
  'The half-open window [start, end) of a period that contains a moment. Weeks start on Monday; total is infinite.';

revoke execute on all functions in schema private from public;
-- Pure arithmetic: budget lists ask for the present window, and a check of kavach.budgets for the zone.
grant execute on function
  private.zone_of(text), private.is_time_zone(text), private.start_of_date(text, date), private.window_of(text, text, timestamptz)
to authenticated, service_role;
