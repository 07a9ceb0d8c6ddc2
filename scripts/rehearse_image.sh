#!/usr/bin/env bash
# The Dockerfile's steps without a container engine: as a user without rights, into a fresh environment, from a copy of the
# context; then `doctor`, a server that must become ready with its code read-only, and the search for compilers.
# What it cannot show: the base image, tini, the read-only root file system.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(mktemp -d "${TMPDIR:-/tmp}/rehearsal.XXXXXX")
set -m  # the server in the background is a process group of its own, which ends with the script
trap '[ -z "${server:-}" ] || kill -- "-$server" 2>/dev/null || true; rm -rf "$root"' EXIT
git archive HEAD pyproject.toml README.md LICENSE conf src metrics requirements scripts | tar -x -C "$root" --one-top-level=build
mkdir "$root/data"
as_user=()
if [ "$(id -u)" = 0 ]; then
  chown -R nobody "$root"
  as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
run() { (cd "$root/build" && "${as_user[@]}" env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$root/data" XDG_CACHE_HOME="$root/data/cache" \
  TORCH_INDEX="${TORCH_INDEX-}" ${PIP_CERT:+PIP_CERT="$PIP_CERT"} ${PIP_FIND_LINKS:+PIP_FIND_LINKS="$PIP_FIND_LINKS"} "$@"); }
run sh scripts/install_image.sh "$root/opt"
run chmod -R a-w "$root/opt"
for tool in gcc cc g++ clang; do [ ! -e "$root/opt/bin/$tool" ] || { echo "a compiler in the environment: $tool" >&2; exit 1; }; done
autovoice=$root/opt/bin/autovoice
cd "$root/data"
run "$autovoice" doctor
run "$autovoice" keys add rehearsal --data "$root/data/serve" >/dev/null
run "$autovoice" serve --host 0.0.0.0 --port "${PORT:-8123}" --no-browser --data "$root/data/serve" --voices "$root/data/voices" &
server=$!
for _ in $(seq 60); do
  sleep 1
  if run "$root/opt/bin/python" -c "import urllib.request as r; r.urlopen('http://127.0.0.1:${PORT:-8123}/readyz', timeout=2)" 2>/dev/null; then
    echo "ready; components in the SBOM: $(grep -c '"bom-ref"' "$root/opt/share/autovoice/sbom.cdx.json")"
    exit 0
  fi
done
echo "not ready within 60 s" >&2
exit 1
