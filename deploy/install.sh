#!/usr/bin/env bash
# Places the programs, which `make release` built, their systemd units, the manual page and the link for notation.
# PREFIX says where (default /usr/local), DESTDIR what stands before it while a package is made.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${ROADSTEAD_PROGRAMS:-.build/release}
prefix=${PREFIX:-/usr/local}
case "$prefix" in /*) ;; *) echo "install: PREFIX is \"$prefix\", which does not begin with a slash" >&2; exit 2 ;; esac
root=${DESTDIR:-}$prefix
names=(roadstead roadstead-remote roadstead-p11 roadstead-signer roadstead-agent roadstead-server roadstead-tuf-client)

for name in "${names[@]}"; do
    [ -x "$programs/$name" ] || { echo "install: $programs/$name is missing: run make release first" >&2; exit 3; }
done
install -d "$root/bin" "$root/lib/systemd/system" "$root/libexec/roadstead" "$root/share/man/man1"
for name in "${names[@]}"; do install -m 755 "$programs/$name" "$root/bin/$name"; done
for unit in deploy/systemd/*.service; do
    sed "s|^ExecStart=/usr/bin/|ExecStart=$prefix/bin/|" "$unit" >"$root/lib/systemd/system/${unit##*/}"
done
ln -sfn ../../bin/roadstead "$root/libexec/roadstead/notation-roadstead"
"$programs/roadstead-remote" manual >"$root/share/man/man1/roadstead.1.new"
mv "$root/share/man/man1/roadstead.1.new" "$root/share/man/man1/roadstead.1"

cat <<TEXT
installed in $prefix/bin: ${names[*]}
Each user of notation makes the plugin known once:
  mkdir -p ~/.config/notation/plugins/roadstead
  ln -sfn $prefix/libexec/roadstead/notation-roadstead ~/.config/notation/plugins/roadstead/notation-roadstead
TEXT
