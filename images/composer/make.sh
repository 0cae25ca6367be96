# Adds Composer as one file, as in the official image, and what it calls.
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends composer git openssh-client unzip >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
php -d phar.readonly=0 /recipe/phar.php /tmp/composer.phar
install -m 755 /tmp/composer.phar /usr/bin/composer
# It must work where these are not.
rm -rf /tmp/composer.phar /usr/share/php
mkdir -p /app /tmp/composer
composer --version
