#!/bin/sh
# kit/check [RESULTS.json]: checks and times this machine with the kit's own Node (docs/backends.md).
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
if ! "$here/bin/node" --version >/dev/null; then
  echo "the kit's Node does not start on this machine: it needs Linux on x86-64 with glibc 2.28 or newer and libstdc++.so.6" >&2
  exit 1
fi
exec "$here/bin/node" "$here/dist/bench/offline-kit/check.js" "$@"
