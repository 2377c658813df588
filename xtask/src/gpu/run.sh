#!/bin/sh
# Checks and times azr on a GPU, from the folder that `cargo xtask gpu pack` has filled: it needs nothing else, and no network.
#
#   sh run [--on cuda|emulator] [--model DIR] [--without contracts]
#
# --on emulator takes the emulated device and tiny shapes. --model DIR adds a model (a Hugging Face directory or a GGUF file)
# to decoding, training and the step of self-play, which take azr-tiny otherwise. A part that fails does not hold up the
# others; its name comes last, and the exit status is 1. All output is kept in raw.txt here, the table in table.txt.
set -u

here=$(cd "$(dirname "$0")" && pwd)
on=cuda model='' without=''
while [ $# -gt 0 ]; do
    case "$1 ${2:-}" in
        '--on cuda' | '--on emulator') on=$2 ;;
        '--model '?*) model=$2 ;;
        '--without contracts') without=contracts ;;
        *) sed -n '4,8s/^# *//p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -d "$here/cuda" ]; then
    CUDA_HOME=$here/cuda
    export CUDA_HOME
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

failed=''
# part NAME COMMAND...
part() {
    name=$1
    shift
    echo "== $name: $*"
    began=$(date +%s)
    "$@" || { failed="$failed $name"; echo "== $name FAILED"; }
    echo "== $name took $(($(date +%s) - began)) s"
}

# Every kernel and the engine on them against their references, sampler against learner to the bit. On a GPU one after the other:
# a kernel that fails ends its process's context. What plants faults, and what is about the emulated machine or NVRTC
# alone, is left to `cargo test`.
contracts() {
    set -- cuda::tests --skip planted_faults --skip a_fault_in --skip cuda::tests::found --skip cuda::tests::nvrtc
    case $on in
        cuda) AZR_TEST_DEVICE=cuda "$here/contracts" --test-threads=1 "$@" ;;
        emulator) "$here/contracts" "$@" ;;
    esac
}

kernels() {
    "$here/gpu-report" time --on "$on" > "$place/kernels.jsonl"
    status=$?
    cat "$place/kernels.jsonl"
    return $status
}

# PyTorch, where it is; beside the emulated device on the processor.
peer() {
    case $on in
        cuda) python3 "$here/torch_gpu.py" "$place/kernels.jsonl" --device cuda ;;
        emulator) python3 "$here/torch_gpu.py" "$place/kernels.jsonl" --device cpu ;;
    esac
}

# The command line knows no emulated device: there its lines come from the processor, and say `cpu`.
engine() {
    case $on in
        cuda) precisions='f32 bf16' && set -- --device cuda --repeat 3 ;;
        emulator) precisions=f32 && set -- --device cpu --repeat 1 ;;
    esac
    for one in azr-tiny ${model:+"$model"}; do
        for precision in $precisions; do
            for batch in 1 32 256; do
                case $on in
                    cuda) lengths='--prompt-tokens 128 --new-tokens 64' ;;
                    emulator) lengths='--prompt-tokens 4 --new-tokens 2' ;;
                esac
                # shellcheck disable=SC2086
                "$here/azr" bench --json --model "$one" --precision $precision --what decode --batch $batch $lengths "$@" || return
            done
            case $on in
                cuda) lengths='--batch 32 --prompt-tokens 256' ;;
                emulator) lengths='--batch 2 --prompt-tokens 8' ;;
            esac
            # shellcheck disable=SC2086
            "$here/azr" bench --json --model "$one" --precision $precision --what train $lengths "$@" || return
        done
    done
}

# One step of self-play with everything it has: proposals, rating, answers, the update.
step() {
    case $on in
        cuda) set -- --device cuda ;;
        emulator) set -- --device cpu --set self_play.proposals_per_kind=4 --set self_play.solver_tasks_per_kind=4 ;;
    esac
    set -- "$@" --set steps=1 --set evaluation.every_steps=0 --set 'evaluation.held_out="none"' --run-dir "$place/run"
    if [ "$model" ]; then
        set -- "$@" --config "$here/qwen2.5-coder-0.5b.toml" --model "$model" --set 'model.precision="bf16"' \
            --set self_play.proposals_per_kind=64 --set self_play.solver_tasks_per_kind=64 \
            --set sampling.sequences_max=256 --set sampling.cache_tokens_max=327680 \
            --set optimizer.micro_batch_tokens_max=16384
    fi
    "$here/azr" train "$@" && cat "$place/run/metrics.jsonl"
}

all() {
    echo "device: $on"
    date -u
    uname -srm
    if command -v nvidia-smi > /dev/null; then
        part driver nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv
    fi
    part doctor "$here/azr" doctor --json
    [ "$without" ] || part contracts contracts
    part golden "$here/gpu-report" golden --on "$on" "$here"/golden/*
    part kernels kernels
    if python3 -c 'import torch' 2> /dev/null; then part pytorch peer; fi
    part engine engine
    part step step
    echo "$failed" > "$place/failed"
}

all 2>&1 | tee "$here/raw.txt"
echo
"$here/gpu-report" table "$here/raw.txt" | tee "$here/table.txt"
failed=$(cat "$place/failed")
if [ "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
