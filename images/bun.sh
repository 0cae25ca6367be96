# Lays Bun out as in the official image: bun.sh <tag>
tag=$1

version=${tag%-slim} version=${version%-debian}
case $version in
  latest | slim | debian | 1 | canary) version=1.4.5 ;;
  *[!0-9.]*) echo "no Bun is known for the tag \`$tag\`" >&2; exit 1 ;;
esac

case $(uname -m) in
  x86_64)
    package=@oven/bun-linux-x64
    grep -q -w avx2 /proc/cpuinfo || package=$package-baseline
    ;;
  aarch64) package=@oven/bun-linux-aarch64 ;;
  *) echo "there is no Bun for $(uname -m)" >&2; exit 1 ;;
esac

mkdir -p /rootfs/usr/local/bin /rootfs/usr/local/bun-node-fallback-bin /rootfs/etc /tmp/bun
cd /tmp/bun
tar -xzf "$(npm pack --silent "$package@$version" | tail -n 1)"
install -m 755 package/bin/bun /rootfs/usr/local/bin/bun
ln -s bun /rootfs/usr/local/bin/bunx
# For scripts that ask for node, in the last place of PATH.
ln -s /usr/local/bin/bun /rootfs/usr/local/bun-node-fallback-bin/node

cat > /rootfs/usr/local/bin/docker-entrypoint.sh <<'EOF'
#!/bin/sh
set -e
# A flag, or what is no program: for bun.
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ] || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- /usr/local/bin/bun "$@"
fi
exec "$@"
EOF
chmod 755 /rootfs/usr/local/bin/docker-entrypoint.sh

cp -p /etc/passwd /etc/group /rootfs/etc/
echo 'bun:x:1000:1000::/home/bun:/bin/sh' >> /rootfs/etc/passwd
echo 'bun:x:1000:' >> /rootfs/etc/group
install -d -o 1000 -g 1000 /rootfs/home/bun /rootfs/home/bun/app
/rootfs/usr/local/bin/bun --version
