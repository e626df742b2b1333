"""word2vec beside gensim: the same corpus and settings in one interleaved run.

    python bench/rivals/word2vec.py [--data DIR] [--rounds 3] [--minutes 14]
    python bench/rivals/word2vec.py --quality [--seeds 3] [--minutes 24]

dim 100, window 5, 5 negatives, sample 1e-3, min count 5, skip-gram. Words are raw words of the
vocabulary; a rate counts training alone, of one epoch; peak memory is VmHWM of the process that
trains. Speed: every round runs each trainer in turn with 1 and with 2 threads; then one corpus of a
million words is repeated up to a hundred times, and must cost the same per word: each size runs
several times, the sizes in turn, and the fastest run of each counts. Quality: five epochs, several
seeds, each model measured by the same program; runs that the result holds already, of the same
trainer, are not repeated (--again does). Results go to `bench/results/word2vec[-quality].json` and
`.md` after every step, so that a run that is ended early has its result too.

"shared" is what `spurwheel word2vec train` does by itself: negative examples drawn once per centre
word. The floors are set to it. "exact" draws them per pair, as gensim does.
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

#: Spurwheel's modes, as flags. The first is the default.
MODES = {"shared": [], "exact": ["--shared-negatives=false"], "bf16": ["--storage", "bf16"]}
LABELS = {"shared": "shared (default)"}
FLOOR, GOAL, VOCABULARY_FLOOR = 4.0, 5.5, 3.0
EXACT_LIMIT = "it changes seven rows a pair, some 42 a centre word where shared changes twelve; with two threads, the cache lines of rows that both change go to and fro between the cores."

#: How often each size runs: all as often, since the fastest run counts and the machine has slow phases of half a minute.
SIZES, SIZE_RUNS, BOOK_RUNS = (1, 3, 10, 30, 100), 7, 3
#: The dearest size beside the cheapest: what counts as flat.
FLAT = 1.25

#: What two runs of one trainer differ by, and how many such widths below gensim are a loss.
NOISE = {"MEN": 0.005, "WS-353": 0.01, "SimLex": 0.008, "semantic": 1.0, "syntactic": 0.7}
WIDTHS = 2


def main() -> int:
    options = _options()
    if not (options.data / CORPUS).is_file():
        print(f"no {CORPUS} in {options.data}: name the folder that holds it, and the sets of the evaluation, by WORD2VEC_DATA", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="spurwheel-word2vec-") as scratch:
        corpus = Path(scratch) / "corpus.txt"
        corpus.write_bytes(gzip.decompress((options.data / CORPUS).read_bytes()))
        bench = Bench(corpus, options)
        (bench.quality if options.quality else bench._sizes if options.sizes else bench.speed)()
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
                for mode in MODES:
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
        sizes = [(f"{times} M", million, times) for times in SIZES] + [(f"books x {times}", self.corpus, times) for times in (1, 6)]
        for turn in range(SIZE_RUNS):
            for name, file, times in sizes:
                if turn < BOOK_RUNS and not self.options.sizes or file == million:
                    run = self._train("shared", 2, 1, 1, [file] * times, "--min-count", str(5 * times))
                    self._record("sizes", name, run, times=times)

    def quality(self) -> None:
        self.result["trainer"] = _trainer()
        self._take_finished()
        for name in (*MODES, "gensim"):  # the one that takes longest is the last
            for seed in range(1, self.options.seeds + 1):
                if any(run["name"] == name and run["seed"] == seed for run in self.result["quality"]):
                    continue
                if self._minutes() > self.options.minutes:
                    return
                model = self.corpus.with_name(f"{name}.bin")
                run = self._gensim(2, 5, seed, model) if name == "gensim" else self._train(name, 2, 5, seed, output=model)
                run["measures"] = self._measure(model)
                self._record("quality", name, run, seed=seed)

    def _take_finished(self) -> None:
        """Take over what an earlier run has finished with this trainer; gensim stays what it is."""
        before = self.options.results / "word2vec-quality.json"
        if self.options.again or not before.is_file():
            return
        earlier = json.loads(before.read_text())
        same = earlier.get("trainer") == self.result["trainer"]
        self.result["quality"] = [run for run in earlier["quality"] if same or run["name"] == "gensim"]

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
        name = "word2vec-quality" if self.options.quality else "word2vec-sizes" if self.options.sizes else "word2vec"
        self.result["load_after"] = os.getloadavg()[0]
        self.options.results.mkdir(parents=True, exist_ok=True)
        (self.options.results / f"{name}.json").write_text(json.dumps(self.result, indent=1) + "\n")
        (self.options.results / f"{name}.md").write_text(self.text())

    def _minutes(self) -> float:
        return (time.monotonic() - self.began) / 60

    def text(self) -> str:
        machine = self.result["machine"]
        title = "quality" if self.options.quality else "cost as the corpus grows" if self.options.sizes else "speed"
        head = (
            f"# word2vec, {title}, {self.result['when']}\n\n{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"kernel {machine['kernel']}; load before {self.result['load_before']:.1f}, after {self.result.get('load_after', 0):.1f}; commit {self.result['commit']}.\n"
            "books16m, dim 100, window 5, 5 negatives, sample 1e-3, min count 5, skip-gram.\n\n"
        )
        if self.options.quality:
            return head + self._quality_text()
        return head + ("" if self.options.sizes else self._speed_text()) + self._sizes_text()

    def _speed_text(self) -> str:
        rows = ["| trainer | threads | k words/s, median (best) | of gensim | vocabulary s | of gensim | encoding s | CPU s | peak MiB |", "|---|---|---|---|---|---|---|---|---|"]
        for threads in (1, 2):
            base = self._of("gensim", threads)
            for name in ("gensim", *MODES):
                runs = self._of(name, threads)
                if not runs or not base:
                    continue
                rates = [run["words_per_second"] for run in runs]
                rate, count = median(rates) / median(r["words_per_second"] for r in base), median(b["count_seconds"] for b in base) / median(r["count_seconds"] for r in runs)
                encode = f"{median(r['encode_seconds'] for r in runs):.2f}" if name != "gensim" else "-"
                rows.append(
                    f"| {LABELS.get(name, name)} | {threads} | {median(rates) / 1e3:,.0f} ({max(rates) / 1e3:,.0f}) | {rate:.2f} | {median(r['count_seconds'] for r in runs):.2f} | {count:.1f} "
                    f"| {encode} | {median(r['cpu_seconds'] for r in runs):.1f} | {max(r['peak_mib'] for r in runs):,.0f} |"
                )
        about = f"Medians over {len(self._of('gensim', 1))} interleaved rounds of one epoch; ratios above 1 are Spurwheel's favour."
        return "\n".join([*rows, "", about, "", *self._verdicts(), "", f"What limits exact: {EXACT_LIMIT}", "", ""])

    def _verdicts(self) -> list[str]:
        """The floors beside what the default came to, and the exact mode for comparison."""
        lines = []
        for threads in (1, 2):
            base, shared, exact = (self._of(name, threads) for name in ("gensim", "shared", "exact"))
            if not base or not shared or not exact:
                continue
            rate, exactly = _ratio(shared, base, "words_per_second"), _ratio(exact, base, "words_per_second")
            count, peaks = _ratio(base, shared, "count_seconds"), [max(run["peak_mib"] for run in runs) for runs in (shared, base)]
            lines += [
                f"- {threads} thread{'s' * (threads > 1)}: default {rate:.2f}x gensim's words/s, floor {FLOOR} {_met(rate >= FLOOR)}, goal {GOAL} {_met(rate >= GOAL)}; "
                f"exact {exactly:.2f}x; vocabulary pass {count:.1f}x, floor {VOCABULARY_FLOOR} {_met(count >= VOCABULARY_FLOOR)}; "
                f"peak memory {peaks[0]:,.0f} MiB, gensim {peaks[1]:,.0f}: {_met(peaks[0] <= peaks[1])}."
            ]
        return lines

    def _of(self, name: str, threads: int) -> list[dict]:
        return [run for run in self.result["runs"] if run["name"] == name and run["threads"] == threads]

    def _sizes_text(self) -> str:
        if not self.result["sizes"]:
            return ""
        rows = ["| corpus | words | vocabulary | runs | ns a word, training | counting and encoding | peak MiB |", "|---|---|---|---|---|---|---|"]
        costs = {}
        for name in dict.fromkeys(run["name"] for run in self.result["sizes"]):
            runs = [run for run in self.result["sizes"] if run["name"] == name]
            words = runs[0]["words"]
            train, prepared = ([seconds / words * 1e9 for seconds in of] for of in ([r["train_seconds"] for r in runs], [r["count_seconds"] + r["encode_seconds"] for r in runs]))
            costs[name] = min(train)
            rows.append(
                f"| {name} | {words:,} | {runs[0]['vocabulary']:,} | {len(runs)} | {min(train):,.0f} ({max(train):,.0f}) | {min(prepared):,.0f} ({max(prepared):,.0f}) | {max(r['peak_mib'] for r in runs):,.0f} |"
            )
        grown = [costs[f"{times} M"] for times in SIZES if f"{times} M" in costs]
        spread = max(grown) / min(grown)
        return (
            "Cost of a word as the corpus grows (default mode, 2 threads, one epoch; the fastest run, the slowest in brackets):\n\n" + "\n".join(rows)
            + f"\n\nThe dearest of 1 M to {SIZES[-1]} M words costs {spread:.2f} times the cheapest; flat is {FLAT}: {_met(spread <= FLAT)}.\n"
        )  # fmt: skip

    def _quality_text(self) -> str:
        names = [*PAIRS, "semantic", "syntactic"]
        rows = [f"| trainer | seeds | {' | '.join(names)} | k words/s |", "|---" * (len(names) + 3) + "|"]
        for name in ("gensim", *MODES):
            runs = [run for run in self.result["quality"] if run["name"] == name]
            if runs:
                cells = [_spread([run["measures"][m] for run in runs], 3 if m in PAIRS else 1) for m in names]
                rows.append(f"| {LABELS.get(name, name)} | {len(runs)} | {' | '.join(cells)} | {median(r['words_per_second'] for r in runs) / 1e3:,.0f} |")
        about = "Mean ± standard deviation over seeds; 5 epochs, 2 threads. Spearman's correlation for pairs, per cent right for analogies. The words/s are of a run that shares the machine: see word2vec.md for speed."
        noise = ", ".join(f"{name} {width}" for name, width in NOISE.items())
        return "\n".join([*rows, "", about, "", f"Below gensim by more than {WIDTHS} widths of noise ({noise}):", "", *(f"- {LABELS.get(m, m)}: {self._losses(m)}" for m in MODES), ""])

    def _losses(self, mode: str) -> str:
        base, runs = ([run["measures"] for run in self.result["quality"] if run["name"] == name] for name in ("gensim", mode))
        if not base or not runs:
            return "not run"
        lost = {m: mean(r[m] for r in runs) - mean(r[m] for r in base) for m in NOISE}
        return ", ".join(f"{m} by {-d:.3f}" for m, d in lost.items() if d < -WIDTHS * NOISE[m]) or "nothing"


def _ratio(runs: list[dict], base: list[dict], what: str) -> float:
    return median(run[what] for run in runs) / median(run[what] for run in base)


def _met(holds: bool) -> str:
    return "met" if holds else "MISSED"


def _trainer() -> str:
    """What trains: the commit that last changed it, and a mark if it was changed since."""
    sources = ["--", *(str(CHECKOUT / "mllib" / "word2vec" / part) for part in ("corpus", "train", "vocab"))]
    commit = tpch._command("git", "-C", str(CHECKOUT), "log", "-1", "--format=%h", *sources)
    return commit + ("-dirty" if tpch._command("git", "-C", str(CHECKOUT), "status", "--short", "--untracked-files=no", *sources) else "")


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
    parser.add_argument("--sizes", action="store_true", help="only the cost of a word as the corpus grows")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="repeat what the result of --quality holds already")
    parser.add_argument("--minutes", type=float, default=None, help="begin nothing that would end later")
    options = parser.parse_args()
    options.minutes = options.minutes or (24 if options.quality else 14)
    return options


if __name__ == "__main__":
    sys.exit(main())
