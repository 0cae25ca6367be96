# Lays PHP out as in Bref's image of a function: bref.sh <version>
version=$1
. /recipe/copy.sh

mkdir -p /rootfs/opt/bin /rootfs/opt/bref/extensions /rootfs/opt/bref/etc/php/conf.d \
  /rootfs/var/runtime /rootfs/var/task /rootfs/usr/share
install -m 755 "/usr/bin/php$version" /rootfs/opt/bin/php
install -m 755 "/usr/sbin/php-fpm$version" /rootfs/opt/bin/php-fpm

# Bref has most of these in the program itself; to PHP it is the same.
config=/rootfs/opt/bref/etc/php/conf.d/bref.ini
cp /recipe/bref.ini "$config"
on="mysqlnd pdo xml bcmath ctype curl dom exif fileinfo ftp gettext iconv mbstring mysqli
  pdo_mysql pdo_pgsql pdo_sqlite phar posix readline simplexml sockets sqlite3 tokenizer
  xmlreader xmlwriter xsl zip"
# Debian's redis does not load without igbinary.
on="$on igbinary" off="apcu intl redis soap"
for name in opcache $on $off; do
  [ ! -f "$extension_dir/$name.so" ] || cp "$extension_dir/$name.so" /rootfs/opt/bref/extensions/
done
for name in $on; do
  [ ! -f "$extension_dir/$name.so" ] || echo "extension=$name" >> "$config"
done
copy_libraries /rootfs/opt/bin/* /rootfs/opt/bref/extensions/*

install -m 755 /recipe/bootstrap.sh /rootfs/opt/bootstrap
install -m 755 /recipe/bootstrap.sh /rootfs/var/runtime/bootstrap
install -m 755 /recipe/entrypoint.sh /rootfs/lambda-entrypoint.sh
cp /recipe/bootstrap.php /rootfs/opt/bref/bootstrap.php
cp /recipe/php-fpm.conf /rootfs/opt/bref/etc/php-fpm.conf
# Debian's PHP has no time zones of its own.
cp -r /usr/share/zoneinfo /rootfs/usr/share/
