"""One gensim run in a process of its own: vocabulary pass, training, what it cost. Prints JSON.

    python word2vec_gensim.py CORPUS THREADS EPOCHS SEED [OUTPUT]
"""

from __future__ import annotations

import json
import sys
import time

import gensim
from gensim.models import word2vec


def peak() -> int:
    """VmHWM of this process in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main(corpus: str, threads: str, epochs: str, seed: str, output: str = "") -> None:
    model = word2vec.Word2Vec(
        sg=1, negative=5, hs=0, vector_size=100, window=5, sample=1e-3, min_count=5, workers=int(threads), seed=int(seed)
    )
    began = time.perf_counter()
    model.build_vocab(corpus_file=corpus)
    counted = time.perf_counter()
    model.train(corpus_file=corpus, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=int(epochs))
    trained = time.perf_counter()
    if output:
        model.wv.save_word2vec_format(output, binary=True)
    words = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
    result = {
        "version": gensim.__version__, "fast_version": word2vec.FAST_VERSION, "vocabulary": len(model.wv), "words": int(words),
        "tokens": model.corpus_total_words, "count_seconds": counted - began, "train_seconds": trained - counted,
        "words_per_second": float(words) * int(epochs) / (trained - counted), "peak_bytes": peak(),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
