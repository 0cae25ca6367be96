-- The same for two databases that hold the same.
select number, price, doubled, tripled, ratio, feeling, tags, hex(bits), sha2(raw, 256), hex(fixed), sha2(text_of_all, 256), document, at, stamped, year_of, st_astext(shape) from everything order by number;
select word, hex(word) from utf8 order by word;
select word, hex(word) from latin order by word;
select count(*) from `empty`;
select * from `order` order by 1;
select * from keyless order by a, b;
select * from events order by at;
select partition_name from information_schema.partitions where table_schema = database() and table_name = 'events' order by 1;
select * from a_child order by id;
select count(*), sum(id), sum(conv(substr(sha2(payload, 256), 1, 8), 16, 10)) from many;
select * from cheaper order by 1;
select twice(21);
select routine_name, routine_type, definer from information_schema.routines where routine_schema = database() order by 1;
select table_name, definer, security_type from information_schema.views where table_schema = database() order by 1;
select trigger_name, sha2(action_statement, 256) from information_schema.triggers where trigger_schema = database() order by 1;
select event_name, definer from information_schema.events where event_schema = database() order by 1;
select table_name, table_collation, table_comment from information_schema.tables where table_schema = database() and table_name <> 'secret_log' and table_type = 'BASE TABLE' order by 1;
