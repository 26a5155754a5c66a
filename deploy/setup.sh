#!/usr/bin/env bash
# Installs the Debian packages that building and testing need. Packages that are there are left alone.
# usage: setup.sh [bench]
set -euo pipefail

packages=(libpq-dev libssl-dev libp11-kit-dev pkg-config postgresql python3 python3-venv curl)
# For tests and the demo: an image registry, and keys in software tokens, a virtual smart card, a TPM, a remote module, an
# agent, a keyring.
packages+=(docker-registry softhsm2 opensc p11-kit p11-kit-modules socat pcscd vsmartcard-vpcd yubico-piv-tool
    swtpm swtpm-tools tpm2-abrmd tpm2-tools libtss2-tcti-tabrmd0 libtpm2-pkcs11-1 libtpm2-pkcs11-tools dbus
    openssh-client openssl keyutils libsecret-tools gnome-keyring)
if [ "${1:-}" = bench ]; then packages+=(nginx wrk hyperfine time); fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: needs root or sudo to install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
# Debian would make and start a database cluster of its own on port 5432.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
fi
# Nor should installing a web server for a benchmark leave one running.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made_policy=yes
fi
restore() { if [ "$made_policy" = yes ]; then "${as_root[@]}" rm -f "$policy"; fi; }
trap restore EXIT
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
