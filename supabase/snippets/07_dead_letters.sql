-- Dead letters: why events were refused in the last day, with the newest of each kind.
select d.reason, count(*) as events, max(d.received_at) as newest,
  (array_agg(d.detail order by d.received_at desc))[1] as detail, (array_agg(d.payload order by d.received_at desc))[1] as payload
from kavach.dead_letters d
where d.received_at > now() - interval '1 day'
group by d.reason
order by events desc;
