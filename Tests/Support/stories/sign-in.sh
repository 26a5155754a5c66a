#!/usr/bin/env bash
# People sign in at a provider by code and by browser, machines act for them, and a client certificate speaks for one.
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-sign-in.XXXXXX)
chmod 755 "$work"
export ROADSTEAD_CONFIG_HOME=$work/config
trap 'exec 7>&-; stop_children; rm -rf "$work"' EXIT

say "A provider, and a server that knows it"
mkfifo "$work/asked"
${PROVIDER:?the command of the provider} <"$work/asked" >"$work/answers" &
children+=($!)
exec 7>"$work/asked"
for _ in $(seq 100); do [ -s "$work/answers" ] && break; sleep 0.1; done
issuer=$(head -1 "$work/answers")

# provider JSON: tells the provider something, and waits until it has taken it in.
provider() {
    local before
    before=$(wc -l <"$work/answers")
    printf '%s\n' "$1" >&7
    for _ in $(seq 100); do [ "$(wc -l <"$work/answers")" -gt "$before" ] && return 0; sleep 0.05; done
    fail "the provider does not answer"
}

make_certificate() { # name subject days [more…]: a certificate of the clients' CA
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
        -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    chmod 600 "$work/$1.key"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/$4.crt" -CAkey "$work/$4.key" -days "$3" \
        -extfile <(printf '%s\n' "${5:-extendedKeyUsage=clientAuth}") -out "$work/$1.crt" 2>/dev/null
}
make_ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}
make_ca server-ca
make_ca clients-ca
make_ca foreign-ca
make_certificate server 127.0.0.1 30 server-ca "subjectAltName=IP:127.0.0.1"
make_certificate carol carol 30 clients-ca
make_certificate idle idle 30 clients-ca
make_certificate foreign carol 30 foreign-ca

export ROADSTEAD_OIDC_ISSUER=$issuer ROADSTEAD_OIDC_CLIENT_ID=roadstead-cli ROADSTEAD_OUTBOUND_ALLOW=$issuer
export ROADSTEAD_TLS_CERTIFICATE=$work/server.crt ROADSTEAD_TLS_KEY=$work/server.key
export ROADSTEAD_TLS_CLIENT_CA_FILE=$work/clients-ca.crt CURL_CA_BUNDLE=$work/server-ca.crt
start_server "$work/server"
login() { roadstead login --server "$address" --ca-file "$work/server-ca.crt" "$@"; }

expect 0 login --bootstrap-token-file "$work/server/bootstrap-token" --name alice --profile alice
expect 0 alice whoami
expect_text "granted to you"
expect 0 alice person invite olga --role security-officer --out "$work/olga.invitation"
expect 0 login --invitation-file "$work/olga.invitation" --profile olga

# agreed COMMAND…: alice proposes, olga agrees, and it comes into force.
agreed() {
    local change
    expect 4 "$@"
    change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
    expect 0 roadstead change approve "$change" --yes --profile olga
    for _ in $(seq 100); do
        roadstead change show "$change" --profile alice | grep -q published && return 0
        sleep 0.2
    done
    fail "$change is not in force"
}

say "By a code that is entered elsewhere; the provider asks for patience first"
provider '{"op": "set", "answers": ["pending", "slow_down", "approved"]}'
expect 0 login --profile carol
expect_text "enter the code WDJB-MJHT"
expect 0 carol whoami
expect_text "carol at $issuer (Carol)"
expect 1 carol group-role list

say "What does not sign in"
provider '{"op": "set", "answers": ["denied"]}'
expect 1 login --profile nobody
expect_text "told to refuse"
provider '{"op": "set", "answers": ["expired_token"]}'
expect 1 login --profile nobody
expect_text "nobody entered the code in time"
provider '{"op": "set", "answers": ["approved"], "lifetime": -600}'
expect 3 login --profile nobody
provider '{"op": "set", "lifetime": 300}'

say "By a browser on this machine"
begin_in_browser() { # profile: sets $waiting, and $place where the browser is to go
    : >"$work/web"
    login --web --profile "$1" >"$work/web" 2>&1 &
    waiting=$!
    for _ in $(seq 100); do grep -q "open http" "$work/web" && break; sleep 0.1; done
    place=$(grep -oE 'http://[^ ]+/authorize[^ ]+' "$work/web")
}
begin_in_browser dave
back=$(grep -oE 'redirect_uri=[^&]+' <<<"$place" | cut -d= -f2 | sed 's/%3A/:/g; s/%2F/\//g')
expect 0 curl -sS "$back?code=stolen&state=guessed"
expect_text "does not belong to the sign-in"
expect 0 curl -sSL "$place"
expect_text "You are signed in"
wait "$waiting" || fail "$(cat "$work/web")"
expect 0 roadstead whoami --profile dave
expect_text "carol at $issuer"

provider '{"op": "set", "forgets_challenge": true}'
begin_in_browser nobody
expect 0 curl -sSL "$place"
status=0
wait "$waiting" || status=$?
[ "$status" -eq 1 ] && grep -q "invalid_grant" "$work/web" || fail "a code without its verifier: $(cat "$work/web")"
provider '{"op": "set", "forgets_challenge": false, "answers": ["denied"]}'
begin_in_browser nobody
expect 0 curl -sSL "$place"
expect_text "refused"
status=0
wait "$waiting" || status=$?
[ "$status" -eq 1 ] || fail "a sign-in that was denied: $(cat "$work/web")"
provider '{"op": "set", "answers": ["approved"]}'

say "A group brings a role, which says where it comes from"
agreed alice group-role add auditors --issuer "$issuer" --role auditor --reason "audit season"
provider '{"op": "set", "person": {"sub": "carol", "name": "Carol", "groups": ["auditors"]}}'
expect 0 login --profile carol
expect 0 carol whoami
expect_text "group auditors at $issuer"
expect 0 alice group-role remove auditors --issuer "$issuer" --role auditor --reason "season over"
expect 0 carol whoami
! grep -q "auditors" <<<"$output" || fail "the role outlived its mapping"

say "A client certificate speaks for whoever registered it, and for nobody before"
client() { local name=$1; shift; curl -sS --cert "$work/$name.crt" --key "$work/$name.key" "$@"; }
expect 0 client carol -o /dev/null -w '%{http_code}' "$address/v1/whoami"
expect_text 401
expect 0 carol whoami
expect 0 roadstead login --profile carol --client-certificate "$work/carol.crt" --client-key "$work/carol.key" --register
expect 0 carol whoami
expect_text "client certificate"
expect 0 client carol "$address/v1/whoami"
expect_text '"credential":"certificate"'
expect 0 client idle -o /dev/null -w '%{http_code}' "$address/v1/whoami"
expect_text 401
status=0
client foreign "$address/v1/whoami" >"$work/foreign" 2>&1 || status=$?
[ "$status" -ne 0 ] || fail "a certificate of a foreign CA was taken: $(cat "$work/foreign")"
for header in X-Client-Cert X-SSL-Client-Cert X-Forwarded-Client-Cert Client-Cert X-SSL-Client-Verify; do
    expect 0 curl -sS -o /dev/null -w '%{http_code}' -H "$header: $(tr -d '\n' <"$work/carol.crt")" "$address/v1/whoami"
    expect_text 401
done

say "Signing out ends the session"
expect 0 roadstead logout --profile dave
expect 3 roadstead whoami --profile dave

printf '\nDone: every step showed what it should.\n'
