#!/usr/bin/env bash
# Runs SkyRL's Tinker server on the CPU with a tiny random Qwen3, in the foreground, for `npm run test:tinker`.
# Needs pyenv with Python 3.12, and some GB for skyrl[tinker,jax]. SkyRL starts its engine by `uv run`, with the extras
# `tinker` and `jax` of the project in the working directory. Its database and saves survive a restart, unless
# MTRL_TINKER_TEST_FRESH is set.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
home=${MTRL_TINKER_TEST_HOME:-$HOME/.cache/mt-rl-judge/tinker}
port=${MTRL_TINKER_TEST_PORT:-8765}
base=$root/test/fixtures/text-models/qwen3

mkdir -p "$home"
# aiohttp: skyrl 0.4.0 imports it, and none of these extras brings it.
cat > "$home/pyproject.toml" <<'TOML'
[project]
name = "tinker-server"
version = "0"
requires-python = "==3.12.*"

[project.optional-dependencies]
tinker = ["skyrl[tinker]==0.4.0", "aiohttp"]
jax = ["skyrl[jax]==0.4.0"]
TOML
python=$(PYENV_VERSION=$(pyenv latest 3.12) pyenv which python)
[ -x "$home/venv/bin/uv" ] || { "$python" -m venv "$home/venv" && "$home/venv/bin/pip" install --quiet uv; }

cd "$home"
[ -z "${MTRL_TINKER_TEST_FRESH:-}" ] || rm -rf checkpoints tinker.db tinker.db-*
export PATH=$home/venv/bin:$PATH JAX_PLATFORMS=cpu UV_PYTHON=$python
# Graphs are compiled once, and compiled quickly: computing takes milliseconds. Batches of fixed sizes make few of them.
export JAX_COMPILATION_CACHE_DIR=$home/jax-cache
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1
export XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
exec uv run --extra tinker --extra jax -m skyrl.tinker.api --base-model "$base" --backend jax \
  --backend-config '{"train_micro_batch_size": 1, "sample_max_num_sequences": 8, "max_lora_adapters": 12}' \
  --host 127.0.0.1 --port "$port" --checkpoints-base "$home/checkpoints" --database-url "sqlite:///$home/tinker.db"
