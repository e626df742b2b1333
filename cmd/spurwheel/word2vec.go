package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec"
	"github.com/spurwheel/spurwheel/mllib/word2vec/corpus"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

func newWord2vec(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "word2vec",
		Short: "Train word vectors, ask them, measure them",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newTrain(p), newSimilar(p), newAnalogy(p), newEval(p))
	return cmd
}

// training is the command line of `word2vec train`.
type training struct {
	inputs          []string
	output, format  string
	column          string
	device          string
	storage         string
	cbow, hs        bool
	given           func(flag string) bool // on the command line
	cfg             train.Config
	minCount        int64
	maxWords        int
	maxSentence     int
	checkpoint      string
	checkpointEvery time.Duration
	resume, asJSON  bool
	quiet           bool
	settings        config.Config
	fs              vfs.FS
	parquet         format.Format
	process         process
	chosen          model.Format
}

func newTrain(p process) *cobra.Command {
	t := training{cfg: train.Default(), process: p}
	cmd := &cobra.Command{
		Use:   "train --input PATH… --output PATH",
		Short: "Train word vectors from text files or Parquet columns",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if t.settings, _, err = loadSettings(p.environ, cmd.Flags()); err != nil {
				return err
			}
			return t.run(cmd.Context())
		},
	}
	t.flags(cmd.Flags())
	return cmd
}

func (t *training) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&t.inputs, "input", nil, "file, folder or glob of text (.gz, .zst) or .parquet; may be repeated")
	f.StringVar(&t.output, "output", "", "file of the model, which appears when it is complete")
	f.StringVar(&t.format, "format", "", "text, binary or parquet (default: binary for .bin, parquet for .parquet, else text)")
	f.StringVar(&t.column, "column", "", "column of Parquet inputs: strings or lists of strings (default: the only one)")
	f.IntVar(&t.cfg.Dim, "dim", t.cfg.Dim, "components of a vector")
	f.IntVar(&t.cfg.Window, "window", t.cfg.Window, "largest distance of a neighbour in words")
	f.IntVar(&t.cfg.Negative, "negative", t.cfg.Negative, "negative examples per positive one")
	f.IntVar(&t.cfg.Epochs, "epochs", t.cfg.Epochs, "passes over the corpus")
	f.Float64Var(&t.cfg.Sample, "sample", t.cfg.Sample, "frequency above which occurrences are left out at random; 0 keeps all")
	f.Float64Var(&t.cfg.Alpha, "alpha", t.cfg.Alpha, "learning rate at the start")
	f.Float64Var(&t.cfg.MinAlpha, "min-alpha", t.cfg.MinAlpha, "learning rate at the end")
	f.Uint64Var(&t.cfg.Seed, "seed", t.cfg.Seed, "of all draws; with --threads 1 the same seed gives the same model")
	f.BoolVar(&t.cbow, "cbow", false, "predict a word from the mean of its neighbours, not the neighbours from the word")
	f.BoolVar(&t.hs, "hs", false, "hierarchical softmax in place of negative examples")
	f.BoolVar(&t.cfg.SharedNegatives, "shared-negatives", true, "draw negative examples once per window; =false: per pair, as gensim, slower")
	t.given = func(flag string) bool { return f.Changed(flag) }
	f.StringVar(&t.storage, "storage", "float32", "float32 or bf16, which halves the memory of large vocabularies")
	f.StringVar(&t.cfg.Kernel, "kernel", "", "avx512, avx2 or portable (default: the fastest of this machine)")
	f.Int64Var(&t.minCount, "min-count", word2vec.DefaultMinCount, "words seen less often are left out")
	f.IntVar(&t.maxWords, "max-words", 0, "size of the vocabulary at most; 0 is no limit")
	f.IntVar(&t.maxSentence, "max-sentence", corpus.DefaultSentence, "longer sentences are cut into such of so many words")
	f.StringVar(&t.device, "device", deviceAuto, "auto, cpu or gpu")
	f.StringVar(&t.checkpoint, "checkpoint", "", "folder to keep the state of the training in")
	f.DurationVar(&t.checkpointEvery, "checkpoint-every", word2vec.DefaultEvery, "time between checkpoints")
	f.BoolVar(&t.resume, "resume", false, "go on from the checkpoint, if there is one")
	f.BoolVar(&t.asJSON, "json", false, "print the summary as JSON")
	f.BoolVar(&t.quiet, "quiet", false, "do not print progress")
	f.String("memory", "", "memory budget, like 4GiB (default: 70% of the machine's or the cgroup's)")
	f.Int("threads", 0, "threads (default: the processors granted)")
}

// configure turns flags into a configuration, and refuses what cannot be before anything is read.
func (t *training) configure() (err error) {
	if len(t.inputs) == 0 || t.output == "" {
		return errs.Errorf(errs.Invalid, "", "train wants --input PATH and --output PATH")
	}
	if t.chosen, err = model.ParseFormat(t.format, t.output); err != nil {
		return err
	}
	switch t.storage {
	case "float32":
	case "bf16", "bfloat16":
		t.cfg.Storage = train.BFloat16
	default:
		return errs.Errorf(errs.Invalid, "", "--storage %q: want float32 or bf16", t.storage)
	}
	if t.cbow {
		t.cfg.Architecture = train.CBOW
	}
	if t.hs {
		t.cfg.Output = train.HierarchicalSoftmax
	}
	if (t.cbow || t.hs) && t.given("shared-negatives") {
		return errs.Errorf(errs.Invalid, "", "--shared-negatives is an option of skip-gram with negative examples, not of --cbow or --hs")
	}
	if t.minCount < 1 || t.maxWords < 0 || t.checkpointEvery < time.Second {
		return errs.Errorf(errs.Invalid, "", "--min-count wants 1 or more, --max-words 0 or more, --checkpoint-every 1s or more")
	}
	if t.resume && t.checkpoint == "" {
		return errs.Errorf(errs.Invalid, "", "--resume wants --checkpoint DIR, the folder with the state to go on from")
	}
	t.cfg.Threads = t.settings.Threads
	return t.cfg.Check()
}

func (t *training) run(ctx context.Context) (err error) {
	if err := t.configure(); err != nil {
		return err
	}
	files, formats := storage(t.settings)
	t.fs, t.parquet = files(nil), formats[parquet.Name]
	if err := t.probe(ctx); err != nil {
		return err
	}
	source, err := corpus.Find(ctx, t.fs, t.parquet, t.inputs, t.column)
	if err != nil {
		return err
	}
	device, done, err := chooseDevice(ctx, t.device, gpuConfig(t.process.environ), &t.cfg, t.notice)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, done()) }()
	opt := t.options(device)
	shown := newProgress(t.process.stderr, t.quiet)
	opt.Watch = shown.show
	m, sum, err := word2vec.Fit(ctx, source, opt)
	shown.end()
	if err != nil {
		return t.explain(err)
	}
	if err := t.files().Save(ctx, m, t.output, t.chosen); err != nil {
		return t.explain(err)
	}
	if opt.Checkpoints != nil {
		err = opt.Checkpoints.Remove(ctx)
	}
	return firstError(err, t.report(source, m, sum, device))
}

// probe finds out whether the output can be written, before hours of training.
func (t *training) probe(ctx context.Context) error {
	if info, err := t.fs.Stat(ctx, t.output); err == nil && info.IsDir {
		return errs.Errorf(errs.Invalid, "", "--output %s is a folder; want the file of a model", t.output)
	}
	w, err := t.fs.Create(ctx, t.output)
	if err != nil {
		return err
	}
	return w.Abort(ctx)
}

func (t *training) files() model.Files { return model.Files{FS: t.fs, Parquet: t.parquet} }

func (t *training) options(device word2vec.Device) word2vec.Options {
	opt := word2vec.Options{
		Train: t.cfg, MinCount: t.minCount, MaxWords: t.maxWords, MaxSentence: t.maxSentence, Memory: int64(t.settings.Memory),
		Device: device, Notice: t.notice,
		Admit: func(v *vocab.Vocabulary) error { return model.Check(v.Words, t.chosen) },
	}
	if t.checkpoint != "" {
		opt.Checkpoints = &word2vec.Checkpoints{FS: t.fs, Folder: t.checkpoint, Every: t.checkpointEvery, Resume: t.resume}
	}
	return opt
}

func (t *training) notice(text string) { fmt.Fprintln(t.process.stderr, "spurwheel:", text) }

// explain says what is left of the work.
func (t *training) explain(err error) error {
	if t.checkpoint == "" {
		return err
	}
	return errs.E(errs.KindOf(err), "", fmt.Errorf("%w (a checkpoint in %s, if one was written, is gone on from by --resume)", err, t.checkpoint))
}

// trained is the summary of a training. Rates are raw words (words of the vocabulary) in a second.
type trained struct {
	Output      string  `json:"output"`
	Device      string  `json:"device"`
	Threads     int     `json:"threads"`
	Files       int     `json:"files"`
	Bytes       int64   `json:"bytes"`
	Tokens      int64   `json:"tokens"`
	Distinct    int64   `json:"distinct"`
	Vocabulary  int     `json:"vocabulary"`
	Dim         int     `json:"dim"`
	Words       int64   `json:"words"`
	Sentences   int64   `json:"sentences"`
	Epochs      int     `json:"epochs"`
	Count       float64 `json:"count_seconds"`
	Encode      float64 `json:"encode_seconds"`
	Train       float64 `json:"train_seconds"`
	Consumed    int64   `json:"consumed_words"`
	Trained     int64   `json:"trained_words"` // those that sub-sampling left
	PerSecond   float64 `json:"words_per_second"`
	TrainedRate float64 `json:"trained_words_per_second"`
	Peak        int64   `json:"peak_bytes"` // of resident memory, 0 where the system does not tell
}

func (t *training) report(source *corpus.Source, m *model.Model, sum word2vec.Summary, device word2vec.Device) error {
	r := trained{
		Output: t.output, Device: device.Name(), Threads: t.cfg.Threads, Files: source.Files(), Bytes: source.Bytes(),
		Tokens: sum.Counted.Words, Distinct: sum.Counted.Distinct, Vocabulary: m.Vocabulary.Len(), Dim: m.Dim,
		Words: sum.Words, Sentences: sum.Sentences, Epochs: t.cfg.Epochs,
		Count: sum.Count.Seconds(), Encode: sum.Encode.Seconds(), Train: sum.Train.Seconds(), Consumed: sum.Consumed, Trained: sum.Trained,
		Peak: peakResident(),
	}
	if r.Train > 0 {
		r.PerSecond, r.TrainedRate = float64(r.Consumed)/r.Train, float64(r.Trained)/r.Train
	}
	if t.asJSON {
		return printJSON(t.process.stdout, r)
	}
	_, err := fmt.Fprintf(t.process.stdout,
		"%s: %d words of %d components (%s)\n%d sentences of %d words from %d files; counted in %.1f s, encoded in %.1f s\n%d epochs in %.1f s, %.2f M words/s (%.2f M after sub-sampling) on the %s\n",
		r.Output, r.Vocabulary, r.Dim, t.chosen, r.Sentences, r.Words, r.Files, r.Count, r.Encode, r.Epochs, r.Train, r.PerSecond/1e6, r.TrainedRate/1e6, r.Device)
	return err
}

func printJSON(w io.Writer, x any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(x)
}

// peakResident is the largest resident memory of this process so far.
func peakResident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
