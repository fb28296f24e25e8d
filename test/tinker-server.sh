#!/usr/bin/env bash
# Starts SkyRL's Tinker server on the CPU and runs the conformance suite of engines against it (docs/tinker.md).
# Needs pyenv with Python 3.12, and some GB for skyrl[tinker,jax]. SkyRL starts its engine by `uv run`, with the extras
# `tinker` and `jax` of the project in the working directory.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
home=${MTRL_TINKER_TEST_HOME:-$HOME/.cache/mt-rl-judge/tinker}
port=${MTRL_TINKER_TEST_PORT:-8765}
base=$root/test/fixtures/text-models/qwen3

mkdir -p "$home"
cat > "$home/pyproject.toml" <<'TOML'
[project]
name = "tinker-server"
version = "0"
requires-python = "==3.12.*"

[project.optional-dependencies]
tinker = ["skyrl[tinker]"]
jax = ["skyrl[jax]"]
TOML
python=$(PYENV_VERSION=$(pyenv latest 3.12) pyenv which python)
[ -x "$home/venv/bin/uv" ] || { "$python" -m venv "$home/venv" && "$home/venv/bin/pip" install --quiet uv; }

cd "$home"
export PATH=$home/venv/bin:$PATH JAX_PLATFORMS=cpu UV_PYTHON=$python
rm -rf "$home/checkpoints" "$home/tinker.db"
uv run --extra tinker --extra jax -m skyrl.tinker.api --base-model "$base" --backend jax --host 127.0.0.1 \
  --port "$port" --checkpoints-base "$home/checkpoints" --database-url "sqlite:///$home/tinker.db" \
  > "$home/server.log" 2>&1 &
server=$!
trap 'kill $server 2> /dev/null || true' EXIT

for _ in $(seq 600); do
  curl --silent --fail "http://127.0.0.1:$port/api/v1/healthz" > /dev/null && break
  kill -0 $server 2> /dev/null || { tail -n 40 "$home/server.log" >&2; exit 1; }
  sleep 1
done

cd "$root"
MTRL_TINKER_TEST_URL=http://127.0.0.1:$port npx vitest run test/policy/tinker-conformance.test.ts -t 'the real server'
