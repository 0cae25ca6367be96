# Lays an extension out as one of Bref's extras: extra.sh <extension>
name=$1
. /recipe/copy.sh
mkdir -p /rootfs/opt/bref/extensions /rootfs/opt/bref/etc/php/conf.d
cp "$extension_dir/$name.so" /rootfs/opt/bref/extensions/
echo "extension=$name.so" > "/rootfs/opt/bref/etc/php/conf.d/ext-$name.ini"
copy_libraries "/rootfs/opt/bref/extensions/$name.so"

# ImageMagick loads what reads and writes a format only when it needs it, from a
# place that is written into its library: one of the same length below /opt.
if [ "$name" = imagick ]; then
  for coders in /usr/lib/*/ImageMagick-*/modules-*/coders; do
    to=/rootfs/opt${coders#/usr}
    mkdir -p "$to"
    for format in gif jpeg png webp; do cp "$coders/$format".* "$to/"; done
    copy_libraries "$to"/*.so
  done
  sed -i 's#/usr/\(lib/[^/]*/ImageMagick\)#/opt/\1#g' "$lib"/libMagickCore-*
fi
