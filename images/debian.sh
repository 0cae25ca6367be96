# Fills a directory with Debian: debian.sh <directory> <tag>
#
# As the official images, plus certificates, curl and git, which pipelines need
# and which cannot be added where the network ends at a package mirror. The
# host's own apt sources are used when they are for the same release.
directory=$1 tag=$2

case ${tag%-slim} in
  latest | stable | trixie | 13 | 13.*) suite=trixie ;;
  oldstable | bookworm | 12 | 12.*) suite=bookworm ;;
  oldoldstable | bullseye | 11 | 11.*) suite=bullseye ;;
  sid | unstable) suite=sid ;;
  *) echo "no Debian release is known for the tag \`$tag\`" >&2; exit 1 ;;
esac

command -v mmdebstrap >/dev/null || {
  echo "\`mmdebstrap\` is needed to make Debian images: install the package of that name" >&2
  exit 1
}

# The sources of the host, unless they are for another release.
sources=
host=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
if [ "$host" = "debian $suite" ]; then
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    [ -s "$file" ] && sources=$file
  done
fi

# What the host was told about fetching holds here as well, but not in the image.
apt-config dump --format '%F "%v";%n' 2>/dev/null |
  grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|[a-z]+::(Proxy|Timeout|Verify-Peer|CAInfo)) ' \
  > "$directory.apt" || :
trap 'rm -f "$directory.apt"' EXIT

mmdebstrap --quiet --variant=minbase \
  --include=ca-certificates,curl,git \
  --aptopt="$directory.apt" \
  --aptopt='Acquire::Languages "none"' \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  "$suite" "$directory" $sources

# What is of this machine, of this moment, or can be fetched again.
cd "$directory"
rm -rf etc/apt/apt.conf.d/99mmdebstrap etc/resolv.conf etc/machine-id \
  var/lib/apt/lists/* var/cache/apt/*.bin var/cache/apt/archives/*.deb \
  var/cache/ldconfig/aux-cache var/cache/debconf/*-old var/lib/dpkg/*-old var/log/* tmp/*
echo debian > etc/hostname
