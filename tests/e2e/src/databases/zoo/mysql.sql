-- Everything that a backup of MySQL or MariaDB may lose, and databases to restore
-- into. `backup` may read, and has no RELOAD.
create database copy;
create database second;
create user 'backup'@'%' identified by 'b''ack\\up "1" #;';
create user 'definer'@'%' identified by 'x';
grant all on app.* to 'definer'@'%';
grant all on copy.* to 'definer'@'%';
grant all on second.* to 'definer'@'%';

create table everything (
  number bigint unsigned not null primary key,
  price decimal(20,5),
  doubled decimal(21,5) generated always as (price * 2) stored,
  tripled decimal(22,5) generated always as (price * 3) virtual,
  ratio double,
  feeling enum('sad','ok','it''s'),
  tags set('a','b','c'),
  bits bit(10),
  raw longblob,
  fixed binary(8),
  text_of_all longtext,
  document json,
  at datetime(6),
  stamped timestamp null,
  year_of year,
  shape point,
  unique key (price)
) default charset=utf8mb4 comment='It''s; everything';
insert into everything (number, price, ratio, feeling, tags, bits, raw, fixed, text_of_all, document, at, stamped, year_of, shape) values
  (18446744073709551615, 12345678.90123, 1e-300, 'it''s', 'a,c', b'1010101010', x'00010a0d1a5c2722ff', x'00ff', 'tab\t line\n back\\slash ''quote'' \0 \Z ),(', '{"k": [1, null, "ü"]}', '2024-02-29 12:00:00.123456', '2024-02-29 12:00:00', 2024, point(1, 2)),
  (1, null, null, null, '', null, null, null, '', 'null', null, null, null, null),
  (2, 0, -0.1, 'ok', null, b'0', '', '', '); INSERT INTO `many` VALUES (1,''x'');\n-- Dump completed', '[]', '1000-01-01', null, 1901, null),
  (3, -1, 3e38, 'sad', 'b', b'1', repeat(x'ff00', 100000), 'abc', repeat('long ', 60000), '{}', '9999-12-31 23:59:59', null, 2155, point(-1.5, 1e10));

create table utf8 (word varchar(50) character set utf8mb4 collate utf8mb4_bin primary key);
insert into utf8 values ('😀 emoji'), ('Zürich'), ('日本語'), ('a''b"c`d');
create table latin (word varchar(50) character set latin1);
insert into latin values ('Zürich'), ('ÿ');
create table `empty` (a int, b text);
create table `order` (`group` int, `with ``ticks``` text, `VALUES (` varchar(10)) engine=InnoDB;
insert into `order` values (1, 'one', 'x'), (2, null, null);
create table keyless (a int, b varchar(10), key (a));
insert into keyless values (3, 'c'), (1, 'a'), (1, 'a'), (2, null);
create table events (at date not null, what varchar(20))
  partition by range (year(at)) (
    partition old values less than (2024),
    partition p2024 values less than (2025),
    partition rest values less than maxvalue);
insert into events values ('2023-06-01', 'a'), ('2024-06-01', 'b'), ('2030-06-01', 'c');
create table parent (id int primary key);
create table a_child (id int primary key, parent int, foreign key (parent) references parent (id) on delete cascade);
insert into parent values (1), (2);
insert into a_child values (1, 2), (2, null);

create table many (id int auto_increment primary key, payload varchar(64));
insert into many (payload) values ('x');
insert into many (payload) select sha2(id, 256) from many;
insert into many (payload) select sha2(id + 1, 256) from many;
insert into many (payload) select sha2(id + 2, 256) from many;
insert into many (payload) select sha2(id + 3, 256) from many;
insert into many (payload) select sha2(id + 4, 256) from many;
insert into many (payload) select sha2(id + 5, 256) from many;
insert into many (payload) select sha2(id + 6, 256) from many;
insert into many (payload) select sha2(id + 7, 256) from many;
insert into many (payload) select sha2(id + 8, 256) from many;
insert into many (payload) select sha2(id + 9, 256) from many;
insert into many (payload) select sha2(id + 10, 256) from many;
insert into many (payload) select sha2(id + 11, 256) from many;

create definer='definer'@'%' sql security definer view cheap as select number, price from everything where price < 1;
create view cheaper as select * from cheap;
delimiter ;;
create definer='definer'@'%' procedure fill(n int)
begin
  declare i int default 0;
  while i < n do
INSERT INTO `empty` VALUES (i, 'x;;');
    set i = i + 1;
  end while;
end;;
create function twice(a int) returns int deterministic return a * 2;;
create trigger shouting before insert on utf8 for each row
begin
  set new.word = concat(new.word, '!');
end;;
create event nightly on schedule every 1 day do delete from `empty`;;
delimiter ;

create table secret_log (a text);
insert into secret_log values ('not for backups');
