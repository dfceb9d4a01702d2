#!/usr/bin/env bash
# The same byte streams to the engines here and to tungstenite, or to the codecs of tokio-util, and the same takes to the
# token bucket here and to governor: the same messages and verdicts, or a difference that is known by name.
# differential.sh [STREAMS, default 100000] [FIRST SEED, default 0]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
DIFFERENTIAL_STREAMS=${1:-100000} DIFFERENTIAL_SEED=${2:-0} \
  cargo test --quiet -p wharf-tests --features peers --test differential --test differential_framed --test governor -- --nocapture
