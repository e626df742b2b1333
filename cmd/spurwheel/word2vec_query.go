package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/eval"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
)

// opened is a model with the store it came from.
type opened struct {
	fs vfs.FS
	m  *model.Model
}

func openModel(cmd *cobra.Command, p process, path string) (opened, error) {
	settings, _, err := loadSettings(p.environ, cmd.Flags())
	if err != nil {
		return opened{}, err
	}
	files, formats := storage(settings)
	fs := files(nil)
	m, err := model.Files{FS: fs, Parquet: formats[parquet.Name]}.Load(cmd.Context(), path)
	return opened{fs, m}, err
}

func newSimilar(p process) *cobra.Command {
	var top int
	var asJSON, all bool
	var device string
	cmd := &cobra.Command{
		Use:   "similar MODEL WORD… | similar MODEL --all",
		Short: "Print the words nearest to others, or to every word of the model",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 1) {
				return errs.Errorf(errs.Invalid, "", "similar wants words, or --all")
			}
			o, err := openModel(cmd, p, args[0])
			if err != nil {
				return err
			}
			if all {
				return o.everybody(cmd.Context(), p, device, top)
			}
			answers := make([]answered, 0, len(args)-1)
			for _, word := range args[1:] {
				near, err := o.m.Synonyms(word, top)
				if err != nil {
					return err
				}
				answers = append(answers, answerOf(word, near))
			}
			return printAnswers(p.stdout, answers, asJSON)
		},
	}
	cmd.Flags().IntVar(&top, "top", 10, "how many words")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&all, "all", false, "neighbours of every word, a line each: word, neighbour, cosine between tabs")
	cmd.Flags().StringVar(&device, "device", deviceAuto, "for --all: auto, cpu or gpu")
	return cmd
}

// everybody prints the neighbours of every word.
func (o opened) everybody(ctx context.Context, p process, device string, top int) error {
	scorer, done, err := chooseScorer(ctx, device, gpuConfig(p.environ))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(p.stdout)
	err = o.m.Everybody(ctx, top, scorer, func(id int32, list []model.Neighbour) error {
		for _, n := range list {
			if _, err := fmt.Fprintf(out, "%s\t%s\t%.6f\n", o.m.Vocabulary.Words[id], n.Word, n.Cosine); err != nil {
				return err
			}
		}
		return nil
	})
	return firstError(firstError(err, out.Flush()), done())
}

func newAnalogy(p process) *cobra.Command {
	var top int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "analogy MODEL A B C",
		Short: "A is to B as C is to what?",
		Args:  cobra.ExactArgs(4),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := openModel(cmd, p, args[0])
			if err != nil {
				return err
			}
			near, err := o.m.Analogy(args[1], args[2], args[3], top)
			if err != nil {
				return err
			}
			question := fmt.Sprintf("%s : %s = %s : ?", args[1], args[2], args[3])
			return printAnswers(p.stdout, []answered{answerOf(question, near)}, asJSON)
		},
	}
	cmd.Flags().IntVar(&top, "top", 10, "how many words")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// answered is the neighbours of a word as they are printed.
type answered struct {
	Word    string `json:"word"`
	Nearest []near `json:"nearest"`
}

type near struct {
	Word   string  `json:"word"`
	Cosine float64 `json:"cosine"`
}

func answerOf(word string, neighbours []model.Neighbour) answered {
	a := answered{Word: word, Nearest: []near{}}
	for _, n := range neighbours {
		a.Nearest = append(a.Nearest, near{n.Word, math.Round(float64(n.Cosine)*1e6) / 1e6})
	}
	return a
}

func printAnswers(w io.Writer, answers []answered, asJSON bool) error {
	if asJSON {
		return printJSON(w, answers)
	}
	for _, a := range answers {
		if _, err := fmt.Fprintln(w, a.Word); err != nil {
			return err
		}
		for _, n := range a.Nearest {
			if _, err := fmt.Fprintf(w, "  %.4f  %s\n", n.Cosine, n.Word); err != nil {
				return err
			}
		}
	}
	return nil
}

// testChunk is one read of a file of tests.
const testChunk = 256 << 10

func newEval(p process) *cobra.Command {
	var pairs, analogies []string
	var frequent int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval MODEL [--pairs FILE]… [--analogies FILE]…",
		Short: "Measure a model by word pairs that people scored and by analogies",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(pairs)+len(analogies) == 0 {
				return errs.Errorf(errs.Invalid, "", "eval wants --pairs FILE or --analogies FILE")
			}
			if frequent < 1 {
				return errs.Errorf(errs.Invalid, "", "--frequent %d: want 1 or more", frequent)
			}
			o, err := openModel(cmd, p, args[0])
			if err != nil {
				return err
			}
			measures, err := o.measure(cmd.Context(), pairs, analogies, frequent)
			if err != nil {
				return err
			}
			return printMeasures(p.stdout, measures, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&pairs, "pairs", nil, "file of two words and a score a line; may be repeated")
	cmd.Flags().StringArrayVar(&analogies, "analogies", nil, "file in the form of questions-words.txt; may be repeated")
	cmd.Flags().IntVar(&frequent, "frequent", eval.DefaultFrequent, "analogies are among this many of the most frequent words")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// measure is one line of an evaluation. NaN has no form in JSON: a correlation of too few pairs is null.
type measure struct {
	File     string   `json:"file"`
	Measure  string   `json:"measure"`
	Value    *float64 `json:"value"`
	Used     int      `json:"used"`
	Unknown  int      `json:"unknown"`
	decimals int
}

func (o opened) measure(ctx context.Context, pairs, analogies []string, frequent int) ([]measure, error) {
	var out []measure
	for _, path := range pairs {
		var read []eval.Pair
		if err := o.read(ctx, path, func(r io.Reader) (err error) { read, err = eval.ReadPairs(r, path); return err }); err != nil {
			return nil, err
		}
		s := eval.Similarities(o.m, read)
		out = append(out, measureOf(path, "spearman", s.Spearman, s.Coverage, 4))
	}
	for _, path := range analogies {
		var read []eval.Question
		if err := o.read(ctx, path, func(r io.Reader) (err error) { read, err = eval.ReadQuestions(r, path); return err }); err != nil {
			return nil, err
		}
		a, err := eval.Answer(ctx, o.m, read, frequent)
		if err != nil {
			return nil, err
		}
		out = append(out, measureOf(path, "semantic %", a.Semantic.Percent(), a.Semantic.Coverage, 1),
			measureOf(path, "syntactic %", a.Syntactic.Percent(), a.Syntactic.Coverage, 1))
	}
	return out, nil
}

func measureOf(file, name string, value float64, c eval.Coverage, decimals int) measure {
	m := measure{File: file, Measure: name, Used: c.Used, Unknown: c.Unknown, decimals: decimals}
	if !math.IsNaN(value) {
		m.Value = &value
	}
	return m
}

func (o opened) read(ctx context.Context, path string, f func(io.Reader) error) error {
	file, err := o.fs.Open(ctx, vfs.FileRef{Path: path})
	if err != nil {
		return err
	}
	defer file.Close()
	return f(vfs.Section(ctx, file, 0, file.Ref().Size, testChunk))
}

func printMeasures(w io.Writer, measures []measure, asJSON bool) error {
	if asJSON {
		return printJSON(w, measures)
	}
	for _, m := range measures {
		value := "-"
		if m.Value != nil {
			value = fmt.Sprintf("%.*f", m.decimals, *m.Value)
		}
		if _, err := fmt.Fprintf(w, "%-11s  %7s  %6d used  %6d unknown  %s\n", m.Measure, value, m.Used, m.Unknown, m.File); err != nil {
			return err
		}
	}
	return nil
}
