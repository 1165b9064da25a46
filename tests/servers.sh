# The database servers of tests and benchmarks: installed where they are missing, run in a private
# folder on private ports, gone when the script that sources this ends.
#
# A script sources this, traps `stop_servers` and calls `make_private_folder`, then the starts:
#
#   . tests/servers.sh
#   trap stop_servers EXIT
#   trap 'exit 130' INT TERM HUP
#
# shellcheck shell=bash

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

# --- What has to be installed ---------------------------------------------------------------

postgres_bin() { # the folder of the newest PostgreSQL server programs
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [[ -x $found/initdb ]] && echo "$found"
}

mariadb_server() { command -v mariadbd || { [[ -x /usr/sbin/mariadbd ]] && echo /usr/sbin/mariadbd; }; }

install_missing() { # of a C linker and the servers named: postgres, mariadb
  local server missing=()
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  for server in "$@"; do
    case $server in
      postgres) postgres_bin >/dev/null || missing+=(postgresql) ;;
      mariadb) mariadb_server >/dev/null || missing+=(mariadb-server) ;;
    esac
  done
  ((${#missing[@]} == 0)) && return
  say "installing ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}. There is no sudo: install them as root (apt-get install ${missing[*]}) and run this again"
    as_root=(sudo)
  fi
  command -v apt-get >/dev/null || die "these are missing and there is no apt-get: ${missing[*]}. Install them and run this again"
  # No prompts (there may be nobody there), and no service that installation would like to start
  # is waited for: the tests never use the machine's own cluster.
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  { "${apt[@]}" update && "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"; } </dev/null \
    || die "apt-get could not install ${missing[*]}; see its messages above"
  for server in "$@"; do
    [[ $server != postgres ]] || postgres_bin >/dev/null || die "PostgreSQL is installed but /usr/lib/postgresql/*/bin/initdb is not there"
    [[ $server != mariadb ]] || mariadb_server >/dev/null || die "MariaDB is installed but mariadbd is not there"
  done
}

check_rust() {
  command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 (https://rustup.rs) and run this again"
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  command -v rustup >/dev/null || die "cargo fmt or cargo clippy is missing: install rustfmt and clippy of your Rust"
  rustup component add rustfmt clippy || die "rustup could not add rustfmt and clippy"
}

# --- The private servers --------------------------------------------------------------------

private=
postgres_data=
mariadb_pid=     # of the server itself, once it is ready
mariadb_started= # of what was started: the server, or what changed the account for it

make_private_folder() {
  private=$(mktemp -d "${TMPDIR:-/tmp}/genkan-tests.XXXXXX") || die "no private folder can be made"
  chmod 711 "$private" # the servers' accounts pass through it to their own folder
}

# Database servers refuse to run as root: then they run as the account their package made.
run_as() {
  local account=$1
  shift
  if ((EUID == 0)); then (cd / && exec runuser -u "$account" -- "$@"); else (cd / && exec "$@"); fi
}

private_folder() { # a folder that only the given account uses
  mkdir -m 700 "$2"
  if ((EUID == 0)); then chown "$1" "$2"; fi
}

# Below the ports that the kernel gives to outgoing connections.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# Arguments: further options of the server, such as `-c shared_buffers=1GB`; the last word counts.
start_postgres() {
  local bin data=$private/postgres/data log=$private/postgres/log port
  bin=$(postgres_bin)
  private_folder postgres "$private/postgres"
  run_as postgres "$bin/initdb" --pgdata="$data" --username=genkan --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --no-sync >"$private/initdb.log" 2>&1 || { cat "$private/initdb.log"; return 1; }
  postgres_data=$data
  for _ in 1 2 3 4 5; do # another program may take the port between the look and the start
    port=$(free_port)
    if run_as postgres "$bin/pg_ctl" start --wait --silent --pgdata="$data" --log="$log" --options="\
      -c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
      -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off \
      -c shared_buffers=64MB -c max_connections=200 $*" </dev/null; then
      export GENKAN_TEST_POSTGRES_URL="postgres://genkan@127.0.0.1:$port/postgres"
      return
    fi
  done
  cat "$log"
  return 1
}

start_mariadb() {
  local folder=$private/mariadb port pid_file=$private/mariadb/pid
  private_folder mysql "$folder"
  # What tests do with accounts and databases needs an administrator without a password, by TCP.
  local admin="CREATE OR REPLACE USER root@127.0.0.1 IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;"
  printf '%s\n' "$admin" >"$private/admin.sql"
  chmod 644 "$private/admin.sql"
  run_as mysql mariadb-install-db --no-defaults --datadir="$folder/data" --skip-test-db \
    --auth-root-authentication-method=normal >"$private/install-db.log" 2>&1 || { cat "$private/install-db.log"; return 1; }
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    run_as mysql "$(mariadb_server)" --no-defaults --datadir="$folder/data" --socket="$folder/socket" \
      --pid-file="$pid_file" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve \
      --init-file="$private/admin.sql" --skip-log-bin --innodb-flush-log-at-trx-commit=0 \
      --innodb-flush-method=nosync --innodb-buffer-pool-size=64M --innodb-log-file-size=32M \
      --performance-schema=OFF --character-set-server=utf8mb4 --max-connections=200 \
      --log-error="$folder/log" </dev/null >/dev/null 2>&1 &
    mariadb_started=$!
    while kill -0 "$mariadb_started" 2>/dev/null; do
      if [[ -s $pid_file ]] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        mariadb_pid=$(<"$pid_file")
        export GENKAN_TEST_MARIADB_URL="mysql://root@127.0.0.1:$port/"
        return
      fi
      sleep 0.1
    done
  done
  cat "$folder/log"
  return 1
}

# Also after Ctrl-C, and also when a server had not quite started.
stop_servers() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  [[ -n $private ]] || exit "$status"
  if [[ -n $postgres_data ]]; then
    run_as postgres "$(postgres_bin)/pg_ctl" stop --silent --mode=immediate --pgdata="$postgres_data" 2>/dev/null
  fi
  if [[ -z $mariadb_pid && -s $private/mariadb/pid ]]; then mariadb_pid=$(<"$private/mariadb/pid"); fi
  mariadb_pid=${mariadb_pid:-$mariadb_started}
  if [[ -n $mariadb_pid ]]; then
    kill -TERM "$mariadb_pid" 2>/dev/null
    for ((tenths = 0; tenths < 300; tenths++)); do
      kill -0 "$mariadb_pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$mariadb_pid" 2>/dev/null
  fi
  rm -rf "$private"
  exit "$status"
}
