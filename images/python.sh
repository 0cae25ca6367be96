# Debian's Python under the paths of the official image: python.sh <tag>
tag=$1

version=${tag%-bookworm} version=${version%-slim}
[ "$version" = 3.11 ] || {
  echo "Debian 12 has Python 3.11, not the one of the tag \`$tag\`" >&2
  exit 1
}

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --quiet --quiet --yes --no-install-recommends python3 python3-pip >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
# The official image lets pip install into it, and calls it so.
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
for name in python python3 pip pip3; do
  program=/usr/bin/python3
  case $name in pip*) program=/usr/bin/pip3 ;; esac
  ln -s "$program" "/usr/local/bin/$name"
done
python --version
