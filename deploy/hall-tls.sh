#!/bin/sh
# TLS for a hall without internet: an authority of one's own, a server certificate from it, and the nginx site for both.
#
#   deploy/hall-tls.sh FOLDER ADDRESS...        for example: deploy/hall-tls.sh /etc/leitai/tls 192.168.1.10 hall.lan
#
# The addresses are names and IP addresses under which tablets reach this machine, the one of LEITAI_PUBLIC_URL first.
# FOLDER gets authority.pem (install this on the tablets), authority.key (keep it, or destroy it after the contest),
# fullchain.pem and privkey.pem (nginx's) and leitai.conf (the site). Called again, it keeps the authority and renews
# the rest. LEITAI_UPSTREAM (127.0.0.1:8000) and LEITAI_STATIC (the checkout's static folder) may be set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

say() { printf '%s\n' "$*" >&2; }
if [ $# -lt 2 ]; then
    say "usage: $0 FOLDER ADDRESS...   (names and IP addresses of this machine in the hall)"
    exit 2
fi
command -v openssl >/dev/null 2>&1 || { say "openssl is needed (Debian: apt-get install openssl)."; exit 2; }

folder=$1
shift
names= site=
for address in "$@"; do
    case $address in
        '' | *[!A-Za-z0-9.:-]* | -*) say "$address is neither a name nor an IP address."; exit 2 ;;
        *:*) names="$names,IP:$address"; site="$site [$address]" ;;
        *[!0-9.]*) names="$names,DNS:$address"; site="$site $address" ;;
        *.*.*.*) names="$names,IP:$address"; site="$site $address" ;;
        *) say "$address is neither a name nor an IP address."; exit 2 ;;
    esac
done
names=${names#,}
site=${site# }

umask 077
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# Under 398 days: what phones and tablets accept of any certificate.
days=390
if [ ! -s "$folder/authority.key" ] || [ ! -s "$folder/authority.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days $days \
        -keyout "$folder/authority.key" -out "$folder/authority.pem" \
        -subj "/O=Leitai/CN=Leitai hall authority $(date +%Y-%m-%d)" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
    -keyout "$work/privkey.pem" -out "$work/request.pem" -subj "/O=Leitai/CN=Leitai" 2>/dev/null
cat >"$work/extensions" <<EOF
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=$names
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
EOF
openssl x509 -req -in "$work/request.pem" -CA "$folder/authority.pem" -CAkey "$folder/authority.key" -sha256 \
    -set_serial "0x$(openssl rand -hex 16)" -days $days -extfile "$work/extensions" -out "$work/server.pem" 2>/dev/null
openssl verify -CAfile "$folder/authority.pem" "$work/server.pem" >/dev/null
cat "$work/server.pem" "$folder/authority.pem" >"$work/fullchain.pem"
mv "$work/privkey.pem" "$work/fullchain.pem" "$folder/"

upstream=${LEITAI_UPSTREAM:-127.0.0.1:8000}
static=${LEITAI_STATIC:-$(dirname "$here")/static}
sed -e "s|contest\.example\.com|$site|g" -e "s|/etc/leitai/tls/|$folder/|g" -e "s|127\.0\.0\.1:8000|$upstream|g" \
    -e "s|/srv/leitai/static/|${static%/}/|g" "$here/nginx/leitai.conf" >"$work/leitai.conf"
mv "$work/leitai.conf" "$folder/"
chmod 644 "$folder/authority.pem" "$folder/fullchain.pem" "$folder/leitai.conf"
say "Made $folder/leitai.conf for $site. Next:"
say "  ln -sf $folder/leitai.conf /etc/nginx/sites-enabled/leitai.conf && nginx -t && systemctl reload nginx"
say "  install $folder/authority.pem on every tablet as an authority; SHA-256:"
say "  $(openssl x509 -in "$folder/authority.pem" -noout -fingerprint -sha256 | cut -d= -f2)"
