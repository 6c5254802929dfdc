#!/bin/bash
# On a fresh macOS: an ordinary user with a Cyrillic name installs the image, starts the private Postgres, asks the doctor,
# kills, installs again, and finds the profile as it was. Usage: try.sh IMAGE.dmg
set -euo pipefail
image=$1
user=skrynkatry
sudo sysadminctl -addUser $user -fullName "Олена Коваль" -password "$(uuidgen)" -home "/Users/Олена" >/dev/null
sudo createhomedir -c -u $user >/dev/null
as_user() { sudo -u $user -H env -i HOME="/Users/Олена" PATH=/usr/bin:/bin "$@"; }
as_user mkdir -p "/Users/Олена/Applications"
profile="/Users/Олена/Library/Application Support/dev.skrynka.desktop"
app="/Users/Олена/Applications/Skrynka.app"
install() {
  hdiutil attach -nobrowse -mountpoint /tmp/skrynka-image "$image" >/dev/null
  as_user cp -R /tmp/skrynka-image/Skrynka.app "/Users/Олена/Applications/"
  hdiutil detach /tmp/skrynka-image >/dev/null
}
install
as_user mkdir -p "/Users/Олена/keys"
head -c 32 /dev/urandom | base64 | as_user sh -c 'umask 077; cat >"/Users/Олена/keys/vault.key"'
skrynka() { as_user "$app/Contents/MacOS/skrynka" --vault-key-file "/Users/Олена/keys/vault.key" "$@"; }
listen() {
  skrynka listen & listening=$!
  for _ in $(seq 300); do [ -e "$profile/postgres/cluster.json" ] && return; sleep 0.2; done
  echo "the private Postgres does not start"; exit 1
}
healthy() { skrynka doctor | tee /tmp/doctor.txt; ! grep -q FAILED /tmp/doctor.txt; }
listen
healthy
identity=$(sudo shasum "$profile/install.json")
sudo pkill -KILL -u $user -x skrynka || true
wait $listening || true
install
listen
healthy
[ "$identity" = "$(sudo shasum "$profile/install.json")" ]
sudo pkill -TERM -u $user -x skrynka || true
wait $listening || true
as_user rm -R "$app"
sudo test -d "$profile/postgres/data/base"
