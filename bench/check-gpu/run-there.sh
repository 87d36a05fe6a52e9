#!/bin/sh
# Runs on the machine with the GPU, which needs nothing but sh, tar, gzip and sha256sum. Keeps the pieces that lie beside
# it in a folder that lasts from one call to the next; once all that pieces.txt lists are there, unpacks them and runs
# the check with the options of this call. Later calls need no pieces.
#
#   GANX_CHECK_STORE  the folder (else one under TMPDIR)
#   GANX_TORCH_PYTHON a Python with PyTorch, to be measured too and for its CUDA libraries (else python3)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
store=${GANX_CHECK_STORE:-${TMPDIR:-/tmp}/ganx-check-gpu}
tree=$store/tree

mkdir -p "$store"
if ! cmp -s "$here/pieces.txt" "$store/pieces.txt"; then
  rm -rf "$store/pieces" "$tree"
  cp "$here/pieces.txt" "$store/pieces.txt"
fi

if [ ! -f "$tree/whole" ]; then
  mkdir -p "$store/pieces"
  missing=
  while read -r sum name; do
    [ -f "$store/pieces/$name" ] && continue
    if [ ! -f "$here/$name" ]; then
      missing="$missing $name"
    elif echo "$sum  $here/$name" | sha256sum -c >/dev/null 2>&1; then
      cp "$here/$name" "$store/pieces/$name.part"
      mv "$store/pieces/$name.part" "$store/pieces/$name"
    else
      echo "Expected the piece $name as it was packed, got other bytes. Bring it again." >&2
      exit 1
    fi
  done <"$store/pieces.txt"
  if [ -n "$missing" ]; then
    echo "Kept. Still to come:$missing"
    exit 0
  fi
  rm -rf "$tree"
  mkdir -p "$tree"
  for archive in $(sed 's/.*  //; s/-[0-9]*$//' "$store/pieces.txt" | sort -u); do
    # In the list's order: by name, piece 100 would come before piece 11.
    while read -r _ name; do
      [ "${name%-*}" = "$archive" ] && cat "$store/pieces/$name"
    done <"$store/pieces.txt" | tar -xzf - -C "$tree"
  done
  : >"$tree/whole"
  rm -rf "$store/pieces"
fi

# The driver's own folder, where a container has one, may be on no path.
driver=/usr/local/nvidia
PATH=$PATH:/sbin:/usr/sbin:$driver/bin
export PATH
known=$(ldconfig -p 2>/dev/null || true)
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  for place in /usr/share/vulkan/icd.d /etc/vulkan/icd.d "$driver/share/vulkan/icd.d" "$driver/vulkan/icd.d"; do
    for icd in "$place"/nvidia*.json; do
      # Loaders before 1.3.207 know the second name alone.
      [ -f "$icd" ] && VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd && export VK_DRIVER_FILES VK_ICD_FILENAMES && break 2
    done
  done
fi

# This machine's own libraries go first: of the packed ones only those whose names it does not know.
paths=${LD_LIBRARY_PATH:-}
add_path() { [ -d "$1" ] && paths="${paths:+$paths:}$1" || true; }
for folder in "$driver/lib64" "$driver/lib"; do add_path "$folder"; done
rm -rf "$store/libraries"
mkdir -p "$store/libraries"
for library in "$tree"/libraries/*; do
  name=${library##*/}
  case "$known" in
    *"	$name "*) ;;
    *) ln -s "$library" "$store/libraries/$name" ;;
  esac
done
add_path "$store/libraries"

# CUDA's libraries: packed, those that came with a PyTorch, or those of a toolkit.
add_path "$tree/cuda-libraries"
for folder in $("${GANX_TORCH_PYTHON:-python3}" -c '
import glob, sys
print("\n".join(sorted({lib for path in sys.path if path for lib in glob.glob(path + "/nvidia/*/lib")})))
' 2>/dev/null); do add_path "$folder"; done
add_path /usr/local/cuda/lib64
LD_LIBRARY_PATH=$paths
export LD_LIBRARY_PATH

exec "$tree/node" "$tree/dist/bench/check-gpu/check.js" "$@"
