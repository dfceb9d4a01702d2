#!/usr/bin/env bash
# Makes the certificates that the tests use, valid from 2020 until 2120 unless named otherwise. Time is an argument to
# the code under test, so that they never grow old.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ca.cnf" <<END
[ca]
default_ca = own
[own]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
touch "$work/index"
sign() { # NAME ISSUER-FLAGS EXTENSIONS NOT_BEFORE NOT_AFTER
  printf '%b\n' "$3" >"$work/ext"
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config "$work/ca.cnf" -in "$work/$1.csr" $2 -extfile "$work/ext" \
    -startdate "$4" -enddate "$5" -out "$1.pem" 2>/dev/null
}
request() { # NAME KEY
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2" 2>/dev/null
  openssl req -new -key "$2" -subj "/CN=$1" -out "$work/$1.csr"
}
root() { # NAME
  request "$1" "$work/$1.key"
  sign "$1" "-selfsign -keyfile $work/$1.key" \
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash' \
    20200101000000Z 21200101000000Z
}
leaf() { # NAME ROOT EXTENSIONS NOT_BEFORE NOT_AFTER
  request "$1" "$1.key"
  sign "$1" "-cert $2.pem -keyfile $work/$2.key" \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n$3" "$4" "$5"
}
root root
root other-root
for_server='extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,DNS:a.example,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1'
leaf server root "$for_server" 20200101000000Z 21200101000000Z
leaf brief root "$for_server" 20250101000000Z 20250201000000Z
leaf client root 'extendedKeyUsage=clientAuth' 20200101000000Z 21200101000000Z
leaf stranger other-root 'extendedKeyUsage=clientAuth' 20200101000000Z 21200101000000Z
