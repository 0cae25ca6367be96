#!/bin/bash
# Makes the cluster on the first start, then runs the server, as the entrypoint
# of the official image does with the same environment variables.
set -euo pipefail

# NAME, or the contents of the file that NAME_FILE names.
setting() {
  local file="$1_FILE"
  if [ -n "${!file:-}" ]; then
    [ -z "${!1:-}" ] || { echo "both $1 and $file are set" >&2; exit 1; }
    export "$1"="$(cat "${!file}")"
    unset "$file"
  else
    export "$1"="${!1:-${2:-}}"
  fi
}

run_init_file() {
  case $1 in
    *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
    *.sql) init_psql --dbname "$POSTGRES_DB" -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | init_psql --dbname "$POSTGRES_DB" ;;
    *.sql.xz) xzcat "$1" | init_psql --dbname "$POSTGRES_DB" ;;
    *) echo "ignoring $1" ;;
  esac
}

init_psql() {
  PGHOST= PGHOSTADDR= psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --quiet \
    --username "$POSTGRES_USER" "$@"
}

make_cluster() {
  setting POSTGRES_PASSWORD
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    echo "Error: database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD" >&2
    exit 1
  fi
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") '"$POSTGRES_INITDB_ARGS"
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
  printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"

  # Other machines are let in only once everything is there.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    POSTGRES_DB=postgres init_psql --dbname postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name";'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    [ ! -e "$file" ] || run_init_file "$file"
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset POSTGRES_PASSWORD
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    install -d -o postgres -g postgres -m 3777 /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  [ -s "$PGDATA/PG_VERSION" ] || make_cluster
fi
exec "$@"
