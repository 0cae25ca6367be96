#!/bin/bash
# Makes the data directory on the first start, then runs the server, as the
# entrypoints of the official images of MariaDB and MySQL do with the same
# environment variables.
set -euo pipefail

# MARIADB_<name> or MYSQL_<name>, or the contents of the file that …_FILE names.
setting() {
  local prefix name
  for prefix in MARIADB MYSQL; do
    name="${prefix}_$1"
    if [ -n "${!name:-}" ]; then printf %s "${!name}"; return; fi
    name="${name}_FILE"
    if [ -n "${!name:-}" ]; then cat "${!name}"; return; fi
  done
}

# A string of SQL.
quoted() {
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\\\'}"
}

identifier() {
  printf '`%s`' "${1//\`/\`\`}"
}

sql() {
  MYSQL_PWD=${root_password-} "$client" --no-defaults --protocol=socket --socket="$socket" -uroot \
    --default-character-set=utf8mb4 --comments ${database:+"--database=$database"} "$@"
}

run_init_file() {
  case $1 in
    *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
    *.sql) sql < "$1" ;;
    *.sql.gz) gunzip -c "$1" | sql ;;
    *.sql.xz) xzcat "$1" | sql ;;
    *) echo "ignoring $1" ;;
  esac
}

accounts() {
  local host
  host=$(setting ROOT_HOST)
  host=${host:-%}
  local secret
  secret=$(quoted "$password")
  # Those that the installation adds for the host's own name, without a password.
  [ "$client" != mariadb ] || echo "DELETE FROM mysql.global_priv WHERE User IN ('', 'root') AND Host <> 'localhost';
FLUSH PRIVILEGES;"
  [ "$host" = localhost ] || echo "CREATE USER 'root'@$(quoted "$host") IDENTIFIED BY $secret;
GRANT ALL ON *.* TO 'root'@$(quoted "$host") WITH GRANT OPTION;"
  [ -z "$name" ] || echo "CREATE DATABASE IF NOT EXISTS $(identifier "$name");"
  if [ -n "$user" ]; then
    echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$user_password");"
    [ -z "$name" ] || echo "GRANT ALL ON $(identifier "${name//_/\\_}").* TO $(quoted "$user")@'%';"
  fi
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $secret;"
}

make_data() {
  local password name user user_password database= file server
  password=$(setting ROOT_PASSWORD) name=$(setting DATABASE)
  user=$(setting USER) user_password=$(setting PASSWORD)
  if [ -n "$(setting RANDOM_ROOT_PASSWORD)" ]; then
    password=$(head -c 24 /dev/urandom | base64)
    echo "GENERATED ROOT PASSWORD: $password"
  elif [ -z "$password$(setting ALLOW_EMPTY_ROOT_PASSWORD)$(setting ALLOW_EMPTY_PASSWORD)" ]; then
    echo "Database is uninitialized and password option is not specified: set MARIADB_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD" >&2
    exit 1
  fi
  if [ "$1" = mariadbd ]; then
    mariadb-install-db --user=mysql --datadir="$data" --auth-root-authentication-method=normal \
      --skip-test-db --skip-name-resolve >/dev/null
  else
    "$@" --initialize-insecure --datadir="$data"
  fi

  # Other machines are let in only once everything is there.
  "$@" --skip-networking --socket="$socket" &
  server=$!
  root_password=
  until sql -e 'SELECT 1' >/dev/null 2>&1; do
    kill -0 $server 2>/dev/null || { wait $server; exit 1; }
    sleep 0.1
  done
  accounts | sql
  root_password=$password database=$name
  for file in /docker-entrypoint-initdb.d/*; do
    [ ! -e "$file" ] || run_init_file "$file"
  done
  kill $server
  wait $server
}

case ${1:-} in
  -* | '') set -- "$(command -v mariadbd >/dev/null && echo mariadbd || echo mysqld)" "$@" ;;
  mysqld) ! command -v mariadbd >/dev/null || set -- mariadbd "${@:2}" ;;
esac
if [ "$1" = mariadbd ] || [ "$1" = mysqld ]; then
  data=/var/lib/mysql socket=/run/mysqld/mysqld.sock
  client=mysql
  [ "$1" = mysqld ] || client=mariadb
  if [ "$(id -u)" = 0 ]; then
    install -d -o mysql -g mysql "$data" /run/mysqld
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  [ -d "$data/mysql" ] || make_data "$@"
fi
exec "$@"
