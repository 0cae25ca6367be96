# Installs Rust as the official image does: rust.sh <tag>
tag=$1

version=${tag%-bookworm} version=${version%-slim}
case $version in
  1 | latest | slim) version=stable ;;
  *[!0-9.]*) echo "no Rust is known for the tag \`$tag\`" >&2; exit 1 ;;
esac
case $(uname -m) in
  x86_64) host=x86_64-unknown-linux-gnu ;;
  aarch64) host=aarch64-unknown-linux-gnu ;;
  *) echo "there is no Rust for $(uname -m)" >&2; exit 1 ;;
esac

export RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --quiet --quiet --yes --no-install-recommends gcc libc6-dev >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

curl --fail --silent --show-error --location --retry 3 --output /tmp/rustup-init \
  "https://static.rust-lang.org/rustup/dist/$host/rustup-init"
chmod +x /tmp/rustup-init
/tmp/rustup-init --quiet -y --no-modify-path --profile minimal --default-toolchain "$version" --default-host "$host"
rm /tmp/rustup-init
chmod -R a+w "$RUSTUP_HOME" "$CARGO_HOME"
"$CARGO_HOME/bin/rustc" --version
