-- Everything that a backup of PostgreSQL may lose, and databases to restore into.
create role shop_owner;
create role auditor;
create schema "select";
create extension if not exists plpgsql;

create type mood as enum ('sad', 'ok', 'happy');
create domain positive as integer check (value > 0);
create sequence counter start 42 increment 7;
select nextval('counter');

create table everything (
  number bigint generated always as identity primary key,
  price numeric(20, 5),
  doubled numeric generated always as (price * 2) stored,
  ratio double precision,
  feeling mood,
  size positive,
  raw bytea,
  text_of_all text,
  tags text[],
  document jsonb,
  at timestamptz,
  span int4range,
  unique (size)
);
insert into everything (price, ratio, feeling, size, raw, text_of_all, tags, document, at, span) values
  (12345678.90123, 'NaN', 'happy', 1, decode('00010a0d5c27ff', 'hex'), E'tab\t line\n back\\slash ''quote''', array['a,b', null, '"'], '{"k": [1, null, "ü"]}', '2024-02-29 12:00:00.123456+02', '[1,5)'),
  (null, '-Infinity', null, 2, null, '', '{}', 'null', 'infinity', null),
  (0, 1e-300, 'sad', 3, '', E'\\.', null, '[]', '0044-03-15 00:00:00 BC', 'empty'),
  (-1, 0.1, 'ok', 4, decode(repeat('ff00', 100000), 'hex'), repeat('long ', 60000), array['x'], '{}', now(), '(,)');

create table utf8 (word text primary key);
insert into utf8 values ('😀 emoji'), ('Zürich'), ('日本語'), (U&'\FEFF bom'), ('a' || chr(1) || 'b');
create table empty (a int, b text);
create table "order" ("group" int, "with ""quotes""" text, "Ünïcode" text);
insert into "order" select i, 'value ' || i, null from generate_series(1, 10) i;
create table "select"."from" ("where" int primary key);
insert into "select"."from" select generate_series(1, 3);
create table without_columns ();
insert into without_columns default values;
insert into without_columns default values;

create table events (at date not null, what text) partition by range (at);
create table events_2023 partition of events for values from ('2023-01-01') to ('2024-01-01');
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_rest partition of events default;
insert into events select date '2023-06-01' + i, 'event ' || i from generate_series(0, 999) i;
create table parent (a int);
create table child (b text) inherits (parent);
insert into parent values (1), (2);
insert into child values (3, 'three');

create table many (id int primary key, payload text);
insert into many select i, md5(i::text) from generate_series(1, 50000) i;
create index on many (payload);
create index on everything using gin (document);

create view happy as select number, price from everything where feeling = 'happy';
alter view happy owner to shop_owner;
create materialized view totals as select feeling, count(*) from everything group by feeling;
create function add(a int, b int) returns int language sql immutable as 'select a + b';
create function stamp() returns trigger language plpgsql as $$
begin
  -- COPY public.many (id, payload) FROM stdin;
  new.text_of_all := new.text_of_all || 'stamped';
  return new;
end $$;
create trigger stamping before insert on everything for each row execute function stamp();
create procedure nothing() language sql as '';
alter table "order" enable row level security;
create policy everyone on "order" to auditor using (true);
grant select on everything to auditor, shop_owner;
comment on table everything is 'It''s everything; -- really';

select lo_from_bytea(4711, decode('00ff', 'hex'));
select lo_from_bytea(4712, convert_to(repeat('large object ', 50000), 'UTF8'));
comment on large object 4711 is 'a large object';

create table secret_log (a text);
insert into secret_log values ('not for backups');

create database copy;
create database second;
