# Makes `d2` out of the official compiler as WebAssembly and the command line in
# d2.js: one executable, which needs nothing else.
version=0.1.33

mkdir -p /tmp/d2 /rootfs/usr/local/bin /rootfs/etc
cd /tmp/d2
cp /recipe/d2.js .
echo '{"name": "d2", "type": "module"}' > package.json
bun add --silent --exact --ignore-scripts "@terrastruct/d2@$version"
bun build d2.js --compile --minify --outfile /rootfs/usr/local/bin/d2 >/dev/null
/rootfs/usr/local/bin/d2 --version

# Users as in the image below, which the builder has with its own.
for file in passwd group; do
  sed '/^bun:/d' "/etc/$file" > "/rootfs/etc/$file"
done
echo 'debian:x:1000:1000::/home/debian:/bin/bash' >> /rootfs/etc/passwd
echo 'debian:x:1000:' >> /rootfs/etc/group
install -d -o 1000 -g 1000 /rootfs/home/debian /rootfs/home/debian/src
