"""word2vec beside gensim: the same corpus and settings in one interleaved run.

    python bench/rivals/word2vec.py [--data DIR] [--rounds 3] [--minutes 14]
    python bench/rivals/word2vec.py --quality [--seeds 3] [--minutes 24]

dim 100, window 5, 5 negatives, sample 1e-3, min count 5, skip-gram. Words are raw words of the
vocabulary; a rate counts training alone, of one epoch; peak memory is VmHWM of the process that
trains. Speed: every round runs each trainer in turn with 1 and with 2 threads; then one corpus of a
million words is repeated up to a hundred times, and must cost the same per word. Quality: five
epochs, several seeds, each model measured by the same program. Results go to
`bench/results/word2vec[-quality].json` and `.md` after every step, so that a run that is ended early
has its result too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median, stdev

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(CHECKOUT / "python" / "tests")]

import engines  # noqa: E402
import tpch  # noqa: E402

RESULTS = CHECKOUT / "bench" / "results"
CORPUS, QUESTIONS = "books16m.txt.gz", "questions-words.txt"
PAIRS = {"MEN": "EN-MEN-TR-3k.txt", "WS-353": "EN-WS-353-ALL.txt", "SimLex": "EN-SIMLEX-999.txt"}
MIB = 2**20

#: Spurwheel's modes, as flags.
MODES = {"exact": [], "shared": ["--shared-negatives"], "bf16": ["--storage", "bf16"]}
FLOOR, GOAL, VOCABULARY_FLOOR = 4.0, 5.5, 3.0


def main() -> int:
    options = _options()
    if not (options.data / CORPUS).is_file():
        print(f"no {CORPUS} in {options.data}: name the folder that holds it, and the sets of the evaluation, by WORD2VEC_DATA", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="spurwheel-word2vec-") as scratch:
        corpus = Path(scratch) / "corpus.txt"
        corpus.write_bytes(gzip.decompress((options.data / CORPUS).read_bytes()))
        bench = Bench(corpus, options)
        (bench.quality if options.quality else bench.speed)()
    print("\n" + bench.text())
    return 0


class Bench:
    """One run and its result."""

    def __init__(self, corpus: Path, options: argparse.Namespace) -> None:
        self.corpus, self.options, self.began = corpus, options, time.monotonic()
        self.result = {
            "machine": tpch.machine(), "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": tpch._command("git", "describe", "--always", "--dirty"),
            "load_before": os.getloadavg()[0], "runs": [], "sizes": [], "quality": [],
        }  # fmt: skip

    def speed(self) -> None:
        for round_number in range(1, self.options.rounds + 1):
            for threads in (1, 2):
                self._record("runs", "gensim", self._gensim(threads, 1, 1), threads=threads)
                for mode in ("exact", "shared"):
                    self._record("runs", mode, self._train(mode, threads, 1, 1), threads=threads)
            print(f"round {round_number} of {self.options.rounds} done after {self._minutes():.1f} minutes", flush=True)
            if self._minutes() * (round_number + 1) / round_number > self.options.minutes - 3:
                break
        self._sizes()

    def _sizes(self) -> None:
        """A corpus of a million words, again and again: words occur as often in proportion, and so the vocabulary is the same."""
        million = self.corpus.with_name("million.txt")
        words, lines = 0, []
        for line in self.corpus.read_text().splitlines():
            lines.append(line)
            words += line.count(" ") + 1
            if words >= 1_000_000:
                break
        million.write_text("\n".join(lines) + "\n")
        for times in (1, 3, 10, 30, 100):
            run = self._train("exact", 2, 1, 1, [million] * times, "--min-count", str(5 * times))
            self._record("sizes", f"{times} M", run, times=times)
        for times in (1, 6):
            run = self._train("exact", 2, 1, 1, [self.corpus] * times, "--min-count", str(5 * times))
            self._record("sizes", f"books x {times}", run, times=times)

    def quality(self) -> None:
        for seed in range(1, self.options.seeds + 1):
            for name in ("gensim", *MODES):
                if self._minutes() > self.options.minutes:
                    return
                model = self.corpus.with_name(f"{name}.bin")
                run = self._gensim(2, 5, seed, model) if name == "gensim" else self._train(name, 2, 5, seed, output=model)
                run["measures"] = self._measure(model)
                self._record("quality", name, run, seed=seed)

    def _measure(self, model: Path) -> dict[str, float]:
        command = [engines.BINARY, "word2vec", "eval", model, "--json", "--analogies", self.options.data / QUESTIONS]
        for file in PAIRS.values():
            command += ["--pairs", self.options.data / file]
        found = {(Path(m["file"]).name, m["measure"]): m["value"] for m in json.loads(_run(command)[0])}
        measures = {name: found[file, "spearman"] for name, file in PAIRS.items()}
        return measures | {kind: found[QUESTIONS, f"{kind} %"] for kind in ("semantic", "syntactic")}

    def _gensim(self, threads: int, epochs: int, seed: int, output: Path | None = None) -> dict:
        command = [sys.executable, HERE / "word2vec_gensim.py", self.corpus, threads, epochs, seed, *([output] if output else [])]
        return _with_cost(command)

    def _train(self, mode: str, threads: int, epochs: int, seed: int, inputs: list[Path] | None = None, *more: str, output: Path | None = None) -> dict:
        command = [engines.BINARY, "word2vec", "train", "--output", output or self.corpus.with_name("model.bin"), "--device", "cpu", "--quiet", "--json"]
        for path in inputs or [self.corpus]:
            command += ["--input", path]
        return _with_cost([*command, "--threads", threads, "--epochs", epochs, "--seed", seed, *MODES[mode], *more])

    def _record(self, part: str, name: str, run: dict, **more: object) -> None:
        run = {"name": name, **more, **run}
        self.result[part].append(run)
        told = "".join(f"  {key} {value:.3f}" for key, value in run.get("measures", {}).items())
        where = " ".join(f"{key} {value}" for key, value in more.items())
        print(
            f"{name:10} {where:10} {run['words_per_second'] / 1e3:7,.0f} k words/s  vocabulary {run['count_seconds']:5.2f} s  "
            f"cpu {run['cpu_seconds']:6.1f} s  {run['peak_mib']:5,.0f} MiB{told}",
            flush=True,
        )
        name = "word2vec-quality" if self.options.quality else "word2vec"
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(self.result, indent=1) + "\n")
        (RESULTS / f"{name}.md").write_text(self.text())

    def _minutes(self) -> float:
        return (time.monotonic() - self.began) / 60

    def text(self) -> str:
        machine = self.result["machine"]
        title = "quality" if self.options.quality else "speed"
        head = (
            f"# word2vec, {title}, {self.result['when']}\n\n{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"kernel {machine['kernel']}; load before {self.result['load_before']:.1f}; commit {self.result['commit']}.\n"
            "books16m, dim 100, window 5, 5 negatives, sample 1e-3, min count 5, skip-gram.\n\n"
        )
        return head + (self._quality_text() if self.options.quality else self._speed_text() + self._sizes_text())

    def _speed_text(self) -> str:
        rows = ["| trainer | threads | k words/s, median (best) | of gensim | vocabulary s | of gensim | encoding s | CPU s | peak MiB |", "|---|---|---|---|---|---|---|---|---|"]
        for threads in (1, 2):
            base = self._of("gensim", threads)
            for name in ("gensim", "exact", "shared"):
                runs = self._of(name, threads)
                if not runs or not base:
                    continue
                rates = [run["words_per_second"] for run in runs]
                rate, count = median(rates) / median(r["words_per_second"] for r in base), median(b["count_seconds"] for b in base) / median(r["count_seconds"] for r in runs)
                encode = f"{median(r['encode_seconds'] for r in runs):.2f}" if name != "gensim" else "-"
                rows.append(
                    f"| {name} | {threads} | {median(rates) / 1e3:,.0f} ({max(rates) / 1e3:,.0f}) | {rate:.2f} | {median(r['count_seconds'] for r in runs):.2f} | {count:.1f} "
                    f"| {encode} | {median(r['cpu_seconds'] for r in runs):.1f} | {max(r['peak_mib'] for r in runs):,.0f} |"
                )
        return "\n".join(rows) + f"\n\nMedians over {len(self._of('gensim', 1))} interleaved rounds of one epoch; ratios above 1 are Spurwheel's favour. Floor {FLOOR} (goal {GOAL}) in words/s, {VOCABULARY_FLOOR} in the vocabulary pass.\n\n"

    def _of(self, name: str, threads: int) -> list[dict]:
        return [run for run in self.result["runs"] if run["name"] == name and run["threads"] == threads]

    def _sizes_text(self) -> str:
        if not self.result["sizes"]:
            return ""
        rows = ["| corpus | words | vocabulary | ns a word, training | counting and encoding | peak MiB |", "|---|---|---|---|---|---|"]
        for run in self.result["sizes"]:
            prepared = run["count_seconds"] + run["encode_seconds"]
            rows.append(
                f"| {run['name']} | {run['words']:,} | {run['vocabulary']:,} | {run['train_seconds'] / run['words'] * 1e9:,.0f} | {prepared / run['words'] * 1e9:,.0f} | {run['peak_mib']:,.0f} |"
            )
        return "Cost of a word as the corpus grows (exact, 2 threads, one epoch):\n\n" + "\n".join(rows) + "\n"

    def _quality_text(self) -> str:
        names = [*PAIRS, "semantic", "syntactic"]
        rows = [f"| trainer | seeds | {' | '.join(names)} | k words/s |", "|---" * (len(names) + 3) + "|"]
        for name in ("gensim", *MODES):
            runs = [run for run in self.result["quality"] if run["name"] == name]
            if runs:
                cells = [_spread([run["measures"][m] for run in runs], 3 if m in PAIRS else 1) for m in names]
                rows.append(f"| {name} | {len(runs)} | {' | '.join(cells)} | {median(r['words_per_second'] for r in runs) / 1e3:,.0f} |")
        return "\n".join(rows) + "\n\nMean ± standard deviation over seeds; 5 epochs, 2 threads. Spearman's correlation for pairs, per cent right for analogies.\n"


def _spread(values: list[float], decimals: int) -> str:
    return f"{mean(values):.{decimals}f}" + (f" ± {stdev(values):.{decimals}f}" if len(values) > 1 else "")


def _with_cost(command: list) -> dict:
    out, usage = _run(command)
    told = json.loads(out)
    told.pop("output", None)  # a folder that is gone afterwards
    # Not ru_maxrss: that remembers this process, of which the child was a copy before it began.
    return told | {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mib": told["peak_bytes"] / MIB}


def _run(command: list) -> tuple[str, object]:
    """The output of a command and what the kernel says it used."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process:
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {errors.read()[-2000:]}")
    return out, usage


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WORD2VEC_DATA") or CHECKOUT.parent / "shared" / "data" / "word2vec"))
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=None, help="begin nothing that would end later")
    options = parser.parse_args()
    options.minutes = options.minutes or (24 if options.quality else 14)
    return options


if __name__ == "__main__":
    sys.exit(main())
