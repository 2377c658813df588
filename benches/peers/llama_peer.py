"""One measurement of decoding with llama.cpp, printed as one JSON object; started by `compare.py`.

All sequences are in one batch, as in `azr bench`; each next token is the most likely one, which is less work than to
sample. Once for warmth, then by the clock.
"""

import ctypes
import time

import llama_cpp
import numpy

import peer


def context_of(model, options):
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = options.batch * (options.prompt_tokens + options.new_tokens + 2)
    settings.n_batch = options.batch * options.prompt_tokens
    settings.n_ubatch = min(512, settings.n_batch)
    settings.n_seq_max = options.batch
    settings.n_threads = settings.n_threads_batch = options.threads
    return llama_cpp.llama_init_from_model(model, settings)


def fill(batch, entries):
    """`entries` are (token, position, sequence, whether its logits are asked)."""
    for slot, (token, position, sequence, asked) in enumerate(entries):
        batch.token[slot], batch.pos[slot] = token, position
        batch.n_seq_id[slot], batch.seq_id[slot][0] = 1, sequence
        batch.logits[slot] = asked
    batch.n_tokens = len(entries)


def decode(context, batch):
    failed = llama_cpp.llama_decode(context, batch)
    assert failed == 0, f"llama_decode gave {failed}"


def run(model, vocabulary, options):
    """Seconds that the new tokens take after the first."""
    context = context_of(model, options)
    batch = llama_cpp.llama_batch_init(options.batch * options.prompt_tokens, 0, 1)
    prompts = [
        (token, position, sequence, position == options.prompt_tokens - 1)
        for sequence, tokens in enumerate(peer.tokens(options.batch, options.prompt_tokens, vocabulary))
        for position, token in enumerate(tokens)
    ]
    fill(batch, prompts)
    decode(context, batch)
    asked = [slot for slot, entry in enumerate(prompts) if entry[3]]
    started = time.perf_counter()
    for step in range(options.new_tokens):
        entries = []
        for index, slot in enumerate(asked):
            logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, slot), (vocabulary,))
            entries.append((int(logits.argmax()), options.prompt_tokens + step, index, True))
        fill(batch, entries)
        decode(context, batch)
        asked = list(range(options.batch))
    llama_cpp.llama_synchronize(context)
    seconds = time.perf_counter() - started
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    return seconds


def main():
    options = peer.arguments()
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(options.model.encode(), llama_cpp.llama_model_default_params())
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    peer.measure(lambda: run(model, vocabulary, options), options.repeat)


if __name__ == "__main__":
    main()
