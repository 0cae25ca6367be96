# Adds PostgreSQL to a Debian image, laid out as the official one:
# postgres.sh <tag>. The release is the one that this Debian has.
tag=$1
export DEBIAN_FRONTEND=noninteractive

major=${tag%%[.-]*}
groupadd --system --gid 999 postgres
useradd --system --gid postgres --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres
install -d -o postgres -g postgres /var/lib/postgresql
# No cluster at installation: the entrypoint makes one.
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf

apt-get -qq update
apt-get -qq install --yes --no-install-recommends "postgresql-$major" xz-utils zstd >/dev/null || {
  echo "no PostgreSQL is known for the tag \`$tag\`" >&2
  exit 1
}
localedef -i en_US -f UTF-8 en_US.UTF-8
apt-get clean
# Half of the image would be LLVM, which only large queries are compiled by; a server
# that does not find it goes without.
rm -rf /var/lib/apt/lists/* /usr/lib/*/libLLVM* /usr/lib/llvm-* /usr/lib/*/libz3.so* \
  "/usr/lib/postgresql/$major/lib/bitcode" "/usr/lib/postgresql/$major/lib/"llvmjit*

bin=/usr/lib/postgresql/$major/bin
version=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/')
wanted=${tag%%-*}
case $version. in
  "$wanted".*) ;;
  *) echo "no PostgreSQL $wanted is known, but $version" >&2; exit 1 ;;
esac

# Reachable by others, as in a container it must be.
sed -i "s/^#*listen_addresses = .*/listen_addresses = '*'/" \
  "/usr/share/postgresql/$major/postgresql.conf.sample"
install -d -o postgres -g postgres -m 3777 /var/run/postgresql
install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
mkdir /docker-entrypoint-initdb.d
install -m 755 /recipe/postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
"$bin/postgres" --version
