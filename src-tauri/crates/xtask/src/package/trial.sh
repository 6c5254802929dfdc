# Installs a package in a clean Debian root and does with it what people do: as root, with the root's folder, the
# package, the package of the next version, the folder for what is left to be looked at, and a display.
set -eu
base=$1 deb=$2 next=$3 seen=$4
export DISPLAY=$5
user=олена home=/home/олена
profile=$home/.local/share/dev.skrynka.desktop
top=$(dirname "$base")/trial
root=$top/root

say() { printf '   %s\n' "$*"; }
die() { printf '   FAILED: %s\n' "$*" >&2; exit 1; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }

# The user's processes are those of a user that only this root has: their number is taken from nobody else.
uid=61234
leave() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(ps -o pid= -u $uid || true)
    [ -n "$pids" ] || break
    kill -KILL $pids 2>/dev/null || true
    sleep 0.2
  done
  for m in tmp/.X11-unix dev sys proc ""; do
    if mountpoint -q "$root/$m"; then umount -R "$root/$m" || umount -lR "$root/$m"; fi
  done
  # Nothing of this machine may hang in what is removed.
  if grep -q " $root" /proc/mounts; then say "$root is still mounted and stays"; else rm -rf --one-file-system "$top"; fi
}
trap leave EXIT

if [ ! -e "$base/ready" ]; then
  say "Making a clean Debian root, once"
  mkdir -p "$base"
  mirror=http://deb.debian.org/debian
  if grep -q '^ID=debian' /etc/os-release; then
    # The same ways to the archive as this machine has.
    mirror=$(grep -hE '^URIs:|^deb ' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^ ]+' | head -1)
  fi
  debootstrap --variant=minbase --include=ca-certificates bookworm "$base" "$mirror" >"$seen/debootstrap.log" 2>&1 ||
    die "$(tail -5 "$seen/debootstrap.log")"
  if grep -q '^ID=debian' /etc/os-release; then
    cp -a /etc/apt/sources.list.d/. "$base/etc/apt/sources.list.d/"
    if [ -s /etc/apt/sources.list ]; then cp -L /etc/apt/sources.list "$base/etc/apt/"; else : >"$base/etc/apt/sources.list"; fi
    cp -a /etc/apt/apt.conf.d/. "$base/etc/apt/apt.conf.d/"
    cp -a /etc/ssl/certs/. "$base/etc/ssl/certs/"
    cp -a /usr/local/share/ca-certificates/. "$base/usr/local/share/ca-certificates/"
  fi
  touch "$base/ready"
fi
rm -rf "$top"
mkdir -p "$top/upper" "$top/work" "$root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$top/upper,workdir=$top/work" "$root"
cp -L /etc/hosts /etc/resolv.conf "$root/etc/"
for m in proc sys dev; do mount --rbind "/$m" "$root/$m"; mount --make-rslave "$root/$m"; done
mkdir -p "$root/tmp/.X11-unix"
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
cp "$deb" "$root/first.deb"
cp "$next" "$root/next.deb"

as_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() {
  chroot "$root" setpriv --reuid=$uid --regid=$uid --clear-groups env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME=$home USER=$user LOGNAME=$user DISPLAY="$DISPLAY" \
    XDG_RUNTIME_DIR=/run/user/$uid DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$uid/bus "$@"
}

as_root apt-get -qq update
begun=$(now)
# What the package asks for, and a keyring as every desktop has one. The package itself comes next, to be timed alone.
depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*)//; s/|.*//')
as_root apt-get install -qq -y --no-install-recommends $depends dbus-daemon gnome-keyring >"$seen/apt.log" 2>&1 || die "$(tail -5 "$seen/apt.log")"
say "What it depends on installed in $(since "$begun") s"
begun=$(now)
as_root apt-get install -qq -y --no-install-recommends /first.deb >>"$seen/apt.log" 2>&1 || die "$(tail -5 "$seen/apt.log")"
took=$(since "$begun")
say "The package installed in $took s (to be had: 10 s on a machine that does nothing else)"

as_root useradd --badname --create-home --uid $uid --user-group --shell /bin/sh $user 2>/dev/null
as_root install -d -m 700 -o $uid -g $uid /run/user/$uid
as_user dbus-daemon --session --fork --nopidfile --address=unix:path=/run/user/$uid/bus
printf secret | as_user gnome-keyring-daemon --daemonize --unlock --components=secrets >/dev/null 2>&1

entry=$(grep -l "^Exec=skrynka" "$root"/usr/share/applications/*.desktop)
command=$(sed -n 's/^Exec=//p' "$entry")
say "Starting \`$command\` from $(basename "$entry") as $user"
server() { head -1 "$root$profile/postgres/data/postmaster.pid"; }
wait_for() { # what, then a command
  what=$1; shift
  waited=0
  until "$@"; do
    [ $waited -lt 300 ] || die "$what"
    sleep 0.2
    waited=$((waited + 1))
  done
}
is_up() { [ -s "$root$profile/postgres/cluster.json" ] && as_user skrynka doctor >"$seen/doctor.txt" 2>&1; }
# Everything is well but for accounts, of which a new profile has none, and the clock, which their servers would tell.
healthy() {
  wait_for "the private Postgres does not start: $(cat "$seen/doctor.txt" 2>/dev/null)" is_up
  if grep -vE '^ok |^[a-z]+ +accounts?( |$)|^unknown +clock ' "$seen/doctor.txt"; then die "doctor is not content after $1"; fi
  say "doctor after $1: $(grep -c '^ok ' "$seen/doctor.txt") checks are well"
}

as_user $command >>"$seen/window.log" 2>&1 &
window=$!
healthy "the start"
kill -0 $window || die "the window ended: $(tail -5 "$seen/window.log")"
painted() { [ "$(cat "$root$profile"/logs/* | grep -c 'Window painted')" -ge "$1" ]; }
wait_for "the window does not paint: $(tail -5 "$seen/window.log")" painted 1
inside=$(readlink "/proc/$(server)/exe")
case $inside in */usr/lib/Skrynka/postgres/*/bin/postgres) say "Its Postgres is $inside" ;; *) die "the server is $inside" ;; esac
! command -v import >/dev/null || import -display "$DISPLAY" -window root "$seen/window.png"
identity=$(sha256sum <"$root$profile/install.json")

begun=$(now)
as_root apt-get install -qq -y --no-install-recommends /next.deb >>"$seen/apt.log" 2>&1 || die "$(tail -5 "$seen/apt.log")"
say "Upgraded to $(as_root dpkg-query -W -f '${Version}' skrynka) under the running window in $(since "$begun") s"
kill -0 $window || die "the window did not survive the upgrade"
healthy "the upgrade, the old window still open"
if as_root apt-get install -qq -y --no-install-recommends /first.deb >>"$seen/apt.log" 2>&1; then
  die "an older package was installed over a newer one"
fi
say "The older package over the newer one is refused"

for pid in $(ps -o pid=,comm= -u $uid | awk '$2 == "skrynka" { print $1 }'); do kill -KILL "$pid"; done
wait $window 2>/dev/null || true
as_user $command >>"$seen/window.log" 2>&1 &
window=$!
healthy "a kill and a new start"
wait_for "the window does not paint again" painted 2
kill -0 $window || die "the window ended: $(tail -5 "$seen/window.log")"
[ "$identity" = "$(sha256sum <"$root$profile/install.json")" ] || die "the profile is another one"

for pid in $(ps -o pid=,comm= -u $uid | awk '$2 == "skrynka" { print $1 }'); do kill -TERM "$pid"; done
wait $window 2>/dev/null || true
as_root apt-get purge -qq -y skrynka >>"$seen/apt.log" 2>&1 || die "$(tail -5 "$seen/apt.log")"
for gone in /usr/bin/skrynka /usr/lib/Skrynka "/usr/share/applications/$(basename "$entry")"; do
  [ ! -e "$root$gone" ] || die "$gone is left after the removal"
done
[ "$identity" = "$(sha256sum <"$root$profile/install.json")" ] && [ -d "$root$profile/postgres/data/base" ] || die "the removal took the profile"
say "Removed; the profile of $user is as it was: $(du -sh "$root$profile" | cut -f1)"
