# Lays an extension out as one of Bref's extras: extra.sh <extension>
name=$1
. /recipe/copy.sh
mkdir -p /rootfs/opt/bref/extensions /rootfs/opt/bref/etc/php/conf.d
cp "$extension_dir/$name.so" /rootfs/opt/bref/extensions/
echo "extension=$name.so" > "/rootfs/opt/bref/etc/php/conf.d/ext-$name.ini"
copy_libraries "/rootfs/opt/bref/extensions/$name.so"
