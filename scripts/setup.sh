# Shared by scripts/demo and scripts/test: source it, do not run it. Bash; everything here may be run again at any time.
#
# It installs system packages (apt), makes .venv/ at the root of the clone, and installs the pinned Python packages into it.
# Each part leaves a stamp named after the hash of what it installed, so that a second run does nothing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"
STARTED_S=$SECONDS
ASSUME_YES=${ASSUME_YES:-}

RUN_PACKAGES=(bubblewrap xvfb openbox chromium mousepad x11-xkb-utils xkb-data fonts-dejavu-core fonts-liberation)
BUILD_PACKAGES=(g++ make)

say() { printf '[%4ds] %s\n' "$((SECONDS - STARTED_S))" "$*"; }

stop() { # stop EXIT_CODE LINE...
    local code=$1
    shift
    printf '%s\n' "$@" >&2
    exit "$code"
}

require_linux_with_apt() {
    [ "$(uname -s)" = Linux ] || stop 3 "edgeagent's sandbox needs Linux; on this system ($(uname -s)) run it in a Debian or Ubuntu virtual machine."
    command -v apt-get >/dev/null || stop 3 "These scripts install with apt (Debian, Ubuntu). Elsewhere install bubblewrap, Xvfb, openbox and Chromium yourself, then: python3 -m pip install -e ./harness -e ./models -e ."
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

is_snap_only() { # On Ubuntu the package "chromium" is missing and "chromium-browser" only starts a snap, which cannot run in a sandbox of ours.
    local policy
    policy=$(apt-cache policy chromium 2>/dev/null) # no pipe: grep -q would end it early, and pipefail takes that for a failure
    [ "$1" = chromium ] && [[ $policy != *'Candidate: '[0-9]* ]]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

confirm() { # Ask only where somebody can answer.
    [ -n "$ASSUME_YES" ] || [ ! -t 0 ] || [ ! -t 1 ] && return 0
    local answer
    read -r -p "$1 [Y/n] " answer
    [ -z "$answer" ] || [[ $answer == [yY]* ]]
}

install_system_packages() { # install_system_packages PACKAGE...
    local missing=() package
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    local command="apt-get install -y --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        stop 2 "These system packages are missing, and neither root nor sudo is here. Have an administrator run:" "  $command"
    fi
    say "system packages to install: ${missing[*]}"
    confirm "Install them with apt?" || stop 2 "Not installed. The command is:" "  sudo $command"
    as_root apt-get update -qq || say "apt-get update failed; going on with the package lists that are here"
    for package in "${missing[@]}"; do
        if is_snap_only "$package"; then
            stop 3 "This system has Chromium only as a snap, which does not run inside another sandbox." \
                "Install a .deb of Chromium (for example from Debian, or the xtradeb PPA) so that /usr/bin/chromium exists, then run this again."
        fi
    done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$ROOT/build/apt.log" 2>&1 ||
        { tail -n 15 "$ROOT/build/apt.log" >&2; stop 3 "apt could not install: ${missing[*]} (log: build/apt.log)"; }
    say "system packages installed"
}

find_python() { # The newest of 3.11 to 3.13 that PYTHON, then PATH, offers.
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

make_venv() {
    local python
    if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then return 0; fi
    python=$(find_python) || { install_system_packages python3 python3-venv; python=$(find_python); } ||
        stop 3 "No Python 3.11 to 3.13 found. Install one and name it: PYTHON=/path/to/python3.12 $0"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then # Debian splits it off
        install_system_packages python3-venv
    fi
    say "making .venv with $python ($("$python" -V))"
    "$python" -m venv --clear "$VENV"
}

install_python_packages() { # install_python_packages NAME: the pins of requirements/NAME.txt
    local pins="$ROOT/requirements/$1.txt" stamp
    stamp="$VENV/.installed-$1-$(sha256sum "$pins" | cut -c1-16)"
    [ -e "$stamp" ] && return 0
    say "installing Python packages ($1)"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$pins" >"$ROOT/build/pip-$1.log" 2>&1 ||
        { tail -n 25 "$ROOT/build/pip-$1.log" >&2; stop 3 "pip could not install requirements/$1.txt (log: build/pip-$1.log)"; }
    rm -f "$VENV/.installed-$1-"*
    touch "$stamp"
}

install_edgeagent() {
    local stamp
    stamp="$VENV/.installed-edgeagent-$(cat "$ROOT"/pyproject.toml "$ROOT"/*/pyproject.toml | sha256sum | cut -c1-16)"
    [ -e "$stamp" ] && return 0
    say "installing edgeagent itself (editable)"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index \
        -e "$ROOT/harness" -e "$ROOT/models" -e "$ROOT" >"$ROOT/build/pip-edgeagent.log" 2>&1 ||
        { tail -n 25 "$ROOT/build/pip-edgeagent.log" >&2; stop 3 "pip could not install edgeagent (log: build/pip-edgeagent.log)"; }
    rm -f "$VENV/.installed-edgeagent-"*
    touch "$stamp"
}

set_up_runtime() {
    mkdir -p "$ROOT/build"
    require_linux_with_apt
    install_system_packages "${RUN_PACKAGES[@]}"
    make_venv
    install_python_packages runtime
    install_edgeagent
}

set_up_llama() { # llama.cpp is compiled: about 5 minutes on 2 cores, once
    install_system_packages "${BUILD_PACKAGES[@]}"
    install_python_packages llama
}
