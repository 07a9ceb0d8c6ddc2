#!/usr/bin/env bash
# Runs a command beside a PostgreSQL of its own, in a temporary folder at a free port, and sets AUTOVOICE_TEST_POSTGRES to its URL:
#   scripts/with_postgres.sh python -m pytest tests/integration/test_serve.py tests/integration/test_serve_process.py
# Debian: apt-get install postgresql. PostgreSQL does not run as root: root becomes the user `postgres`.
set -euo pipefail

[ $# -gt 0 ] || { echo "with_postgres.sh: name a command to run" >&2; exit 2; }
programs=$(dirname "$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -1)" || true)
[ -x "$programs/initdb" ] || { echo "with_postgres.sh: needs PostgreSQL; apt-get install postgresql" >&2; exit 2; }

folder=$(mktemp -d)
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  as_user=(setpriv --reuid postgres --regid postgres --init-groups)
  chown postgres "$folder"
fi
in_folder() { (cd "$folder" && "${as_user[@]}" "$@"); }
stop() {
  in_folder "$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
in_folder "$programs/initdb" -D data -U autovoice -A trust -N >/dev/null
options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder -c fsync=off"
in_folder "$programs/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$options" -w start >/dev/null ||
  { cat "$folder/log" >&2; exit 1; }

AUTOVOICE_TEST_POSTGRES="postgresql+psycopg://autovoice@127.0.0.1:$port/postgres" "$@"
