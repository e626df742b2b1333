"""`spurwheel word2vec` beside gensim: each reads the other's files and finds the same neighbours. And signals."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from objectstore import ObjectStore
from server import BINARY

gensim = pytest.importorskip("gensim", reason="gensim is not installed: run `make venv`")
from gensim.models import KeyedVectors, Word2Vec  # noqa: E402

TOPICS, WORDS, SENTENCES = 6, 12, 3000
PROBES = ["t0w0", "t3w7", "naïve5"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Sentences of one topic each; one topic has words beyond ASCII."""
    draw = random.Random(1)
    names = [[f"t{t}w{w}" for w in range(WORDS)] for t in range(TOPICS - 1)] + [[f"naïve{w}" for w in range(WORDS)]]
    path = tmp_path_factory.mktemp("word2vec") / "corpus.txt"
    lines = (" ".join(draw.choices(names[draw.randrange(TOPICS)], k=10)) for _ in range(SENTENCES))
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*args: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([BINARY, "word2vec", *map(str, args)], capture_output=True, text=True, timeout=100)
    assert not check or done.returncode == 0, done.stderr
    return done


def train(corpus: Path, output: Path, *args: object) -> dict:
    return json.loads(run("train", "--input", corpus, "--output", output, "--dim", 24, "--sample", 0, "--threads", 1, "--device", "cpu", "--json", *args).stdout)


def similar(model: Path, *words: str) -> dict[str, list[tuple[str, float]]]:
    answers = json.loads(run("similar", model, *words, "--top", 8, "--json").stdout)
    return {a["word"]: [(n["word"], n["cosine"]) for n in a["nearest"]] for a in answers}


def assert_alike(ours: dict[str, list[tuple[str, float]]], vectors: KeyedVectors) -> None:
    for word, near in ours.items():
        theirs = vectors.most_similar(word, topn=len(near))
        assert [w for w, _ in near] == [w for w, _ in theirs]
        assert [c for _, c in near] == pytest.approx([c for _, c in theirs], abs=2e-6)


@pytest.mark.parametrize("name, binary", [("m.txt", False), ("m.bin", True)])
def test_gensim_reads_ours(corpus, tmp_path, name, binary):
    summary = train(corpus, tmp_path / name)
    assert summary["vocabulary"] == TOPICS * WORDS
    assert summary["words"] == SENTENCES * 10
    vectors = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=binary)
    assert len(vectors) == TOPICS * WORDS
    assert_alike(similar(tmp_path / name, *PROBES), vectors)
    for probe in PROBES:  # and the model is one
        assert all(word[:2] == probe[:2] for word, _ in vectors.most_similar(probe, topn=8))


@pytest.mark.parametrize("name, binary", [("g.txt", False), ("g.bin", True), ("g.txt.gz", False), ("g.bin.gz", True)])
def test_we_read_gensims(corpus, tmp_path, name, binary):
    model = Word2Vec(corpus_file=str(corpus), vector_size=24, sg=1, sample=0, workers=1, epochs=2, seed=3)
    model.wv.save_word2vec_format(str(tmp_path / name), binary=binary)
    assert_alike(similar(tmp_path / name, *PROBES), model.wv)


def test_vocabulary_is_gensims(corpus, tmp_path):
    train(corpus, tmp_path / "m.txt", "--min-count", 420)
    model = Word2Vec(vector_size=8, min_count=420)
    model.build_vocab(corpus_file=str(corpus))
    ours = [line.split(" ")[0] for line in (tmp_path / "m.txt").read_text().splitlines()[1:]]
    counts = [model.wv.get_vecattr(word, "count") for word in ours]
    assert sorted(ours) == sorted(model.wv.index_to_key)
    assert counts == sorted(counts, reverse=True)


def test_parquet_of_others(corpus, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [line.split(" ") for line in corpus.read_text().splitlines()]
    pq.write_table(pa.table({"id": list(range(len(rows))), "words": rows}), tmp_path / "corpus.parquet")
    a, b = tmp_path / "a.parquet", tmp_path / "b.txt"
    train(tmp_path / "corpus.parquet", a, "--column", "words")
    train(corpus, b)
    table = pq.read_table(a)
    vectors = KeyedVectors.load_word2vec_format(str(b))
    assert table.column("word").to_pylist() == vectors.index_to_key
    assert table.column("vector").to_pylist()[5] == pytest.approx(vectors.vectors[5].tolist())
    assert similar(a, *PROBES) == similar(b, *PROBES)


#: Some seconds of training: the first line of progress comes after one.
LONG = ("--epochs", 300, "--checkpoint-every", "1s")


@pytest.fixture(scope="module")
def undisturbed(corpus, tmp_path_factory) -> bytes:
    output = tmp_path_factory.mktemp("undisturbed") / "m.bin"
    train(corpus, output, *LONG)
    return output.read_bytes()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_training_goes_on(corpus, tmp_path, undisturbed, end):
    """One thread: after any end, the resumed training leaves the bytes of an undisturbed one."""
    output, state = tmp_path / "m.bin", tmp_path / "state"
    arguments = ["train", "--input", corpus, "--output", output, "--dim", 24, "--sample", 0, "--threads", 1, "--device", "cpu", "--checkpoint", state, *LONG]
    process = subprocess.Popen([BINARY, "word2vec", *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    process.stderr.readline()  # the first line of progress: it is training
    process.send_signal(end)
    log = process.stderr.read()
    assert process.wait(60) == (-signal.SIGKILL if end == signal.SIGKILL else 1)
    assert not output.exists()
    if end != signal.SIGKILL:
        assert "--resume" in log
        assert (state / "word2vec.checkpoint").is_file()
    run(*arguments, "--resume")
    assert output.read_bytes() == undisturbed
    assert not (state / "word2vec.checkpoint").exists()


def test_output_of_a_full_disk(corpus, tmp_path):
    """The limit on file sizes stands for the disk: the vectors do not fit, and nothing is left."""
    command = f"trap '' XFSZ; ulimit -f 4; exec {BINARY} word2vec train --input {corpus} --output {tmp_path}/m.txt --dim 300 --device cpu"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert "m.txt" in done.stderr and "file too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(300)
def test_object_store(corpus, tmp_path):
    """Corpus, model and state in buckets; an interrupted training leaves no upload and no model."""
    with ObjectStore() as store:
        store.put(corpus, "words/corpus.txt")
        environment = {
            "SPURWHEEL_S3_ENDPOINT": store.endpoint, "SPURWHEEL_S3_REGION": "us-east-1", "SPURWHEEL_S3_PATH_STYLE": "true",
            "SPURWHEEL_S3_ACCESS_KEY": store.access, "SPURWHEEL_S3_SECRET_KEY": store.secret,
        }  # fmt: skip
        bucket = f"s3a://{store.bucket}"
        arguments = ["train", "--input", f"{bucket}/words/*.txt", "--output", f"{bucket}/models/m.bin", "--dim", 24, "--sample", 0, "--threads", 1]
        arguments += ["--device", "cpu", "--checkpoint", f"{bucket}/state", *LONG]
        process = subprocess.Popen([BINARY, "word2vec", *map(str, arguments)], stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(60) == 1
        assert store.keys("models") == [] and store.uploads() == []
        assert store.keys("state") == ["word2vec.checkpoint"]
        done = subprocess.run([BINARY, "word2vec", *map(str, arguments), "--resume"], capture_output=True, text=True, timeout=100, env={**os.environ, **environment})
        assert done.returncode == 0, done.stderr
        assert store.keys("models") == ["m.bin"] and store.keys("state") == [] and store.uploads() == []
        near = subprocess.run(
            [BINARY, "word2vec", "similar", f"{bucket}/models/m.bin", "t0w0"], capture_output=True, text=True, timeout=100, env={**os.environ, **environment}
        )
        assert near.stdout.count("t0w") == 11, near.stderr
