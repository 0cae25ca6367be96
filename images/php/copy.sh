# Functions of the recipes here: what a program needs is copied beside it, as in
# Bref's layers, which hold no packages.

lib=/rootfs/opt/lib

# Libraries of the programs given, but those that every Debian has.
copy_libraries() {
  mkdir -p "$lib"
  ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
    grep -v -E '/(libc|libm|libdl|libpthread|librt|libresolv|ld-linux[^/]*)\.so' |
    while read -r file; do cp -L "$file" "$lib/"; done
}

extension_dir=$(php -r 'echo ini_get("extension_dir");')
