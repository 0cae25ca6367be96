# Adds MySQL to a Debian image, laid out as the official one: mysql.sh <tag>. Only
# Debian's unstable release has it.
tag=$1
export DEBIAN_FRONTEND=noninteractive

groupadd --system --gid 999 mysql
useradd --system --gid mysql --uid 999 --home-dir /var/lib/mysql --no-create-home mysql

apt-get -qq update -o Acquire::Check-Valid-Until=false
# Without what only Debian's own start of the server needs.
apt-get -qq install --yes --no-install-recommends mysql-server-core mysql-client-core xz-utils zstd >/dev/null
command -v mysqldump >/dev/null ||
  apt-get -qq install --yes --no-install-recommends mysql-client >/dev/null
apt-get clean
# Tools for files of a server that does not run, for loads, and for clouds: 6 MB each.
cd /usr/bin
rm -rf /var/lib/apt/lists/* myisam* innochecksum ibd2sdi mysqlslap mysql_migrate_keyring perror \
  /usr/lib/mysql/plugin/telemetry_client.so \
  /usr/lib/mysql/plugin/authentication_*_client.so

version=$(mysqld --version | sed 's/.*Ver \([0-9.]*\).*/\1/')
wanted=${tag%%-*}
case $version. in
  "$wanted".*) ;;
  *) echo "no MySQL $wanted is known, but $version" >&2; exit 1 ;;
esac

mkdir -p /etc/mysql/conf.d /docker-entrypoint-initdb.d
cat > /etc/my.cnf <<'CNF'
[mysqld]
host-cache-size = 0
skip-name-resolve
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
secure-file-priv = NULL
pid-file = /run/mysqld/mysqld.pid

[client]
socket = /run/mysqld/mysqld.sock

!includedir /etc/mysql/conf.d/
CNF
rm -rf /var/lib/mysql
install -d -o mysql -g mysql -m 1777 /var/lib/mysql /run/mysqld
install -m 755 /recipe/mysql-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
mysqld --version
