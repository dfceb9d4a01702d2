#!/bin/sh
# Makes the certificate of the world's servers. Its signatures are of one length, which those of ECDSA are not: so the
# same seed puts as many bytes on the wire.
set -eu
cd "$(dirname "$0")"
openssl req -x509 -newkey ed25519 -nodes -keyout world.key -out world.pem -days 36500 -subj /CN=world \
  -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
  -addext extendedKeyUsage=serverAuth -addext subjectAltName=DNS:world
