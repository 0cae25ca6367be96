#!/bin/sh
# Compiles the module $1, whose folder this runs in, into the folder $2.
#
# $2/module               the program, static
# $2/ca-certificates.crt  the authorities that TLS trusts
# $2/error                instead of both, what the compiler says. Exit code 0:
#                         the same sources give the same error, so it may be
#                         kept. Any other failure (registry, disk) is not kept.
#
# One command builds and copies: the cache is locked only while one runs.
set -eu
name=$1
out=$2
mkdir -p "$out"

# The workspace lists members that are not part of this module's context.
root=$PWD
while [ "$root" != / ] && ! grep -qs '^\[workspace\]' "$root/Cargo.toml"; do
	root=$(dirname "$root")
done
if [ "$root" != / ]; then
	awk -v root="$root" '
		/^[ \t]*(default-)?members[ \t]*=/ { list = 1 }
		list {
			rest = $0
			kept = ""
			while (match(rest, /"[^"]*"[ \t]*,?/)) {
				item = substr(rest, RSTART, RLENGTH)
				path = item
				sub(/^"/, "", path)
				sub(/".*/, "", path)
				absent = system("ls " root "/" path "/Cargo.toml >/dev/null 2>&1")
				kept = kept substr(rest, 1, RSTART - 1) (absent ? "" : item)
				rest = substr(rest, RSTART + RLENGTH)
			}
			$0 = kept rest
			if ($0 ~ /\]/) list = 0
		}
		{ print }
	' "$root/Cargo.toml" >"$out/manifest"
	cat "$out/manifest" >"$root/Cargo.toml"
	rm "$out/manifest"
fi

# With a target, proc macros are still built for the host's C library.
export RUSTFLAGS="-C target-feature=+crt-static"
{
	code=0
	cargo build --target host-tuple --profile dagger --bin "$name" 2>&1 || code=$?
	echo "$code" >"$out/code"
} | tee "$out/log" >&2
code=$(cat "$out/code")
log=$(grep -Ev '^ *(Adding|Blocking|Compiling|Downloaded|Downloading|Locking|Removing|Updating|Finished) ' "$out/log" || true)
rm "$out/code" "$out/log"

if [ "$code" -eq 0 ]; then
	cp "${CARGO_TARGET_DIR:-$root/target}"/*/dagger/"$name" "$out/module"
	cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$out/ca-certificates.crt"
elif printf '%s\n' "$log" | grep -q 'could not compile'; then
	printf '%s\n' "$log" >"$out/error"
else
	exit "$code"
fi
