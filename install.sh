#!/usr/bin/env bash
# install.sh [install|update|uninstall|status] [options]: the Queue Manager as a service of this machine.
#
#   sudo ./install.sh                installs it and starts it; run again, it updates
#   sudo ./install.sh update         new code, same jobs, results, schedules and settings
#   sudo ./install.sh uninstall      removes the service; asks before it removes data (--purge: does; --keep: does not)
#   ./install.sh status              what is installed and whether it runs
#
# Options: --forking installs the unit with Type=forking; --extras redis,postgres adds what those stores need;
# --python PATH chooses the interpreter; --no-start installs without starting.
set -euo pipefail
umask 022
here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)

user=queuemgr
home=/opt/queuemgr
state=/var/lib/queuemgr
logs=/var/log/queuemgr
run=/var/run/queuemgr
unit=/etc/systemd/system/queuemgr.service
python=$home/.venv/bin/python
links=/usr/local/bin

say() { printf 'queuemgr: %s\n' "$*"; }
die() { printf 'queuemgr: %s\n' "$*" >&2; exit 1; }
need_root() { [[ $EUID -eq 0 ]] || die "this needs root: sudo ./install.sh $verb"; }
booted() { [[ -d /run/systemd/system ]] && command -v systemctl >/dev/null; }

verb=install forking= extras= purge= start=yes interpreter= ran=
while (($#)); do
  case $1 in
    install | update | uninstall | status) verb=$1 ;;
    --forking) forking=-forking ;;
    --extras) extras=${2:?--extras needs a list}; shift ;;
    --python) interpreter=${2:?--python needs a path}; shift ;;
    --purge) purge=yes ;;
    --keep) purge=no ;;
    --no-start) start= ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit ;;
    *) die "'$1' means nothing here; see ./install.sh --help" ;;
  esac
  shift
done

find_python() {
  local candidate
  for candidate in ${interpreter:-python3.14 python3.13 python3.12 python3.11 python3}; do
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && {
      command -v "$candidate"
      return
    }
  done
  die "no Python 3.11 or newer with its venv module was found; on Debian: apt-get install python3-venv"
}

make_user() {
  getent group "$user" >/dev/null || groupadd --system "$user"
  getent passwd "$user" >/dev/null ||
    useradd --system --gid "$user" --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
}

# The code belongs to root, so that no job can change it; data and logs are for the service's user alone.
make_folders() {
  install -d -o root -g "$user" -m 0755 "$home" "$home/jobs"
  install -d -o "$user" -g "$user" -m 0700 "$state"
  install -d -o "$user" -g "$user" -m 0750 "$logs" "$run"
}

built=
pip=("$python" -m pip --quiet --quiet --disable-pip-version-check)

# While the service still runs: what cannot be built stops nothing.
build_code() {
  # A broken environment is made anew; nothing but code is in it.
  if ! "$python" -m pip --version >/dev/null 2>&1; then "$(find_python)" -m venv --clear "$home/.venv"; fi
  built=$(mktemp -d)
  "${pip[@]}" wheel --no-deps --wheel-dir "$built" "$here"
}

install_code() {
  local wheel
  wheel=$(echo "$built"/queuemgr-*.whl)
  "${pip[@]}" install --upgrade --constraint "$here/requirements-dev.txt" "$wheel${extras:+[$extras]}"
  # Once more without the rest: new code may have the same version.
  "${pip[@]}" install --no-deps --force-reinstall "$wheel"
  local settings=$here/deploy/config.py
  # Those of an installation that was removed without its data.
  [[ -e $state/config.py.kept ]] && settings=$state/config.py.kept
  [[ -e $home/config.py ]] || install -o root -g "$user" -m 0640 "$settings" "$home/config.py"
  rm -rf "$home/docs"
  cp -R "$here/docs" "$home/docs"
  install -o root -g root -m 0755 "$here/install.sh" "$home/install.sh"
  local name
  for name in queuemgr queuemgr-cli queuemgr-web; do
    if [[ -x $home/.venv/bin/$name && ! -e $links/$name ]]; then ln -s "$home/.venv/bin/$name" "$links/$name"; fi
  done
}

install_unit() {
  install -D -o root -g root -m 0644 "$here/deploy/queuemgr$forking.service" "$unit"
  install -o root -g root -m 0644 "$unit" "$home/queuemgr.service"
  booted || { say "systemd does not run here: the unit is in $unit and was not started"; return 0; }
  systemctl daemon-reload
  systemctl enable --quiet queuemgr
}

stop_service() {
  if booted; then
    if systemctl is-active --quiet queuemgr; then ran=yes && systemctl stop queuemgr; fi
  elif [[ -x $python ]] && "$python" -m queuemgr.service.daemon status >/dev/null 2>&1; then
    ran=yes
    "$python" -m queuemgr.service.daemon stop >/dev/null
  fi
}

start_service() {
  [[ -n $start ]] || return 0
  if booted; then
    ran= # once is enough
    systemctl restart queuemgr || die "it did not start; see: journalctl -u queuemgr -n 50"
    say "it runs; see: systemctl status queuemgr"
  elif [[ -n $ran ]]; then
    ran=
    runuser -u "$user" -- "$python" -m queuemgr.service.daemon start --daemon
    say "it runs again"
  fi
}

# What ran before runs again, even if the rest failed.
come_back() {
  local code=$?
  rm -rf "$built"
  if ((code)) && [[ -n $ran ]]; then
    say "it failed; the service that was stopped is started again" >&2
    start_service || true
  fi
  exit "$code"
}

do_install() {
  need_root
  [[ -f $here/pyproject.toml ]] || die "run it from the folder of the source code: git clone ..., cd queuemgr, sudo ./install.sh"
  local word=installed
  [[ -x $python ]] && word=updated
  make_user
  make_folders
  trap come_back EXIT
  build_code
  stop_service
  install_code
  install_unit
  "$python" -m queuemgr.service.daemon config >/dev/null || die "the settings in $home/config.py are wrong: see above"
  say "$word: $("$python" -m queuemgr version) in $home"
  start_service
}

do_update() {
  need_root
  [[ -x $python ]] || die "it is not installed: sudo ./install.sh"
  do_install
}

do_uninstall() {
  need_root
  stop_service
  if booted; then systemctl disable --quiet queuemgr 2>/dev/null || true; fi
  rm -f "$unit"
  if booted; then systemctl daemon-reload; fi
  if [[ -z $purge ]]; then
    purge=no
    if [[ -d $state && -t 0 ]]; then
      read -r -p "Remove the jobs, results and logs in $state and $logs, and what is in $home/jobs, too? (y/N): " answer
      [[ $answer == [yY]* ]] && purge=yes
    fi
  fi
  [[ -f $home/config.py && $purge == no ]] && install -o root -g root -m 0600 "$home/config.py" "$state/config.py.kept"
  local name
  for name in queuemgr queuemgr-cli queuemgr-web; do
    if [[ $(readlink "$links/$name") == "$home"/* ]]; then rm -f "$links/$name"; fi
  done
  rm -rf "$run"
  # The job classes there were written by people and stay, if there are any.
  rm -rf "$home/jobs/__pycache__"
  if [[ -d $home ]]; then find "$home" -mindepth 1 -maxdepth 1 ! -name jobs -exec rm -rf {} +; fi
  rmdir "$home/jobs" "$home" 2>/dev/null || true
  if [[ $purge == yes ]]; then
    rm -rf "$home" "$state" "$logs"
    if getent passwd "$user" >/dev/null; then userdel "$user"; fi
    if getent group "$user" >/dev/null; then groupdel "$user"; fi
    say "removed, with all its data"
  else
    say "removed; jobs and results stay in $state, logs in $logs (remove them: sudo ./install.sh uninstall --purge)"
    if [[ -d $home/jobs ]]; then say "your job classes stay in $home/jobs"; fi
  fi
}

do_status() {
  [[ -x $python ]] || { say "not installed"; exit 3; }
  say "installed in $home: $("$python" -m queuemgr version)"
  if booted; then say "systemd says: $(systemctl is-active queuemgr || true), $(systemctl is-enabled queuemgr || true)"; fi
  "$python" -m queuemgr.service.daemon status
}

"do_$verb"
