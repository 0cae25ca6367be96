# Adds PHP with what Bref builds in, and what its extras are made of: packages.sh <version>
version=$1
export DEBIAN_FRONTEND=noninteractive

set --
for part in cli fpm opcache apcu bcmath curl gd gmp imagick intl mbstring mysql pgsql redis soap sqlite3 xml zip; do
  set -- "$@" "php$version-$part"
done
apt-get -qq update
apt-get -qq install --yes --no-install-recommends tzdata "$@" >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
php --version
