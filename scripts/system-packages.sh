#!/bin/sh
# Makes sure of what no Python package can bring: venv, and the libraries that OpenCV's wheel expects of a system;
# with "tests" as the second word also Chromium, in which pages are tested. Does nothing where all is there; else asks
# apt, and where that cannot be done says what to type. Without Chromium its tests are skipped, so that is no failure.
set -eu
python="${1:-python3}"
for_tests="${2:-}"

missing=""
"$python" - <<'EOF' || { echo "moodreel needs Python 3.11 or newer; found $("$python" --version 2>&1)" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
EOF
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
has() { "$python" -c "import ctypes; ctypes.CDLL('$1')" 2>/dev/null; }
has libGL.so.1 || missing="$missing libgl1"
has libgthread-2.0.so.0 || missing="$missing libglib2.0-0"
has libxcb.so.1 || missing="$missing libxcb1"
needed="$missing"
if [ "$for_tests" = tests ]; then
    found=""
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then found=yes; fi
    done
    [ -n "$found" ] || missing="$missing chromium"
fi
[ -n "$missing" ] || exit 0
[ "$(uname)" = Linux ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
    echo "Installing$missing" >&2
    $as_root apt-get update -qq
    # shellcheck disable=SC2086  # a list of words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
else
    echo "Missing$missing: please install them with your system's package manager" >&2
    [ -z "$needed" ] || exit 1
fi
