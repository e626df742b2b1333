// Command gpubench measures training on the devices of a machine: speed against concurrency, quality against the tests of
// similarity and analogy, and what happens when the helper is killed. bench/gpu/run.sh calls it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/gpu"
)

type options struct {
	helper, driver, data, corpus, out string
	sections                          string
	sentences                         int
	firstSeed, seeds, epochs          int
	rows                              string
	repeat                            int64 // words of the long run
	sweep                             int64 // words of one run of the sweep
	deadline                          time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.helper, "helper", "", "the program spurwheel-gpu")
	flag.StringVar(&o.driver, "driver", "", "the CUDA driver library")
	flag.StringVar(&o.data, "data", "", "folder of the corpus and the tests")
	flag.StringVar(&o.corpus, "corpus", "books16m.txt.gz", "file name of the corpus")
	flag.StringVar(&o.out, "out", ".", "folder of the results")
	flag.StringVar(&o.sections, "sections", "info,speed,quality,kill", "what to measure")
	flag.IntVar(&o.sentences, "sentences", 0, "sentences of the corpus; 0 is all")
	flag.IntVar(&o.seeds, "seeds", 3, "seeds of the quality table")
	flag.IntVar(&o.firstSeed, "first-seed", 1, "the first of them")
	flag.IntVar(&o.epochs, "epochs", 5, "epochs of the quality table")
	flag.StringVar(&o.rows, "rows", "0:0,1056:-1,2112:0,2112:-1", "rows of the quality table, concurrency:cap")
	flag.Int64Var(&o.repeat, "repeat", 1_000_000_000, "words of the long run")
	flag.Int64Var(&o.sweep, "sweep", 200_000_000, "words of one run of the sweep")
	flag.DurationVar(&o.deadline, "deadline", 7*time.Minute, "no measurement is started later than this")
	flag.Parse()
	ctx, stop := context.WithTimeout(context.Background(), o.deadline+time.Minute)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "gpubench:", err)
		os.Exit(1)
	}
}

// Results is everything that was measured, in the order of the report.
type Results struct {
	Driver  int          `json:"driver"`
	Devices []gpu.Device `json:"devices"`
	Started time.Time    `json:"started"`
	Words   int64        `json:"words"`
	Types   int          `json:"vocabulary"`
	Speed   []Run        `json:"speed"`
	Quality []Run        `json:"quality"`
	Kill    *Kill        `json:"kill,omitempty"`
	Skipped []string     `json:"skipped,omitempty"` // for lack of time
}

// bench is one invocation.
type bench struct {
	options
	began   time.Time
	books   *books
	helper  *gpu.Helper
	results Results
}

func run(ctx context.Context, o options) error {
	b := &bench{options: o, began: time.Now()}
	var err error
	if b.helper, err = gpu.Start(ctx, b.config()); err != nil {
		return err
	}
	defer func() { b.helper.Close() }()
	b.results = Results{Driver: b.helper.Driver(), Devices: b.helper.Devices(), Started: b.began.UTC()}
	if b.books, err = readBooks(ctx, o.data, o.corpus, o.sentences); err != nil {
		return err
	}
	b.results.Words, b.results.Types = int64(len(b.books.tokens)), len(b.books.counts)
	for _, section := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"speed", b.speed},
		{"quality", b.quality},
		{"kill", b.kill},
	} {
		if !slices.Contains(strings.Split(o.sections, ","), section.name) {
			continue
		}
		if err := section.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", section.name, err)
		}
		if err := b.write(); err != nil { // whatever comes later, this is kept
			return err
		}
	}
	return b.write()
}

func (b *bench) config() gpu.Config {
	return gpu.Config{Helper: b.options.helper, Driver: b.driver}
}

// late tells whether there is no time for another measurement, and notes what is left out.
func (b *bench) late(what string) bool {
	if time.Since(b.began) < b.deadline {
		return false
	}
	b.results.Skipped = append(b.results.Skipped, what)
	return true
}

func (b *bench) write() error {
	data, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.out, "gpu.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.out, "gpu.md"), []byte(b.results.markdown()), 0o644)
}

// setting is a row of a table: how many sentences at a time, and with what cap.
type setting struct {
	concurrency int
	cap         float64
}

func parseRows(text string) ([]setting, error) {
	var all []setting
	for row := range strings.SplitSeq(text, ",") {
		concurrency, limit, _ := strings.Cut(row, ":")
		c, err := strconv.Atoi(concurrency)
		if err != nil {
			return nil, err
		}
		l, err := strconv.ParseFloat(limit, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, setting{c, l})
	}
	return all, nil
}
