# Adds MariaDB to a Debian image, laid out as the official one:
# mariadb.sh <tag>. The release is the one that this Debian has.
tag=$1
export DEBIAN_FRONTEND=noninteractive

groupadd --system --gid 999 mysql
useradd --system --gid mysql --uid 999 --home-dir /var/lib/mysql --no-create-home mysql

# Without what only Debian's own start of the server needs.
apt-get -qq update
core=$(apt-cache depends --no-suggests --no-recommends mariadb-server-core mariadb-server-core-10.5 2>/dev/null |
  grep -o '^mariadb-server-core[-0-9.]*' | tail -n 1)
client=mariadb-client${core#mariadb-server-core}
apt-get -qq install --yes --no-install-recommends "$core" "$client" xz-utils zstd >/dev/null
apt-get clean
# Tools for files of a server that does not run, and for loads: 5 MB each.
cd /usr/bin
rm -rf /var/lib/apt/lists/* innochecksum mariadb-slap mysqlslap mariadb-waitpid mysql_waitpid \
  mariadb-conv perror replace resolve_stack_dump

version=$(mariadbd --version | sed 's/.*Ver \([0-9.]*\).*/\1/')
wanted=${tag%%-*}
case $version. in
  "$wanted".*) ;;
  *) echo "no MariaDB $wanted is known, but $version" >&2; exit 1 ;;
esac

mkdir -p /etc/mysql/conf.d /etc/mysql/mariadb.conf.d /docker-entrypoint-initdb.d
cat > /etc/mysql/mariadb.conf.d/05-container.cnf <<'CNF'
[mariadb]
host-cache-size = 0
skip-name-resolve
bind-address = *
socket = /run/mysqld/mysqld.sock
character-set-server = utf8mb4
collation-server = utf8mb4_general_ci
CNF
rm -rf /var/lib/mysql
install -d -o mysql -g mysql -m 1777 /var/lib/mysql /run/mysqld
install -m 755 /recipe/mysql-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
mariadbd --version
