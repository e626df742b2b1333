package train

import (
	"fmt"
	"math"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// The largest values accepted. They are far beyond use; what exceeds them is a slip of the pen, better refused than tried.
const (
	maxDim      = 1 << 14
	maxWindow   = 1 << 10
	maxNegative = 1 << 10
	maxEpochs   = 1 << 20
	maxThreads  = 1 << 10
)

// OptionError is an option with a value that cannot be trained with.
type OptionError struct {
	Option string // as the command line calls it: dim, window, min-count
	Value  any
	Reason string
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("option %s = %v: %s", e.Option, e.Value, e.Reason)
}

func badOption(option string, value any, reason string, args ...any) error {
	return errs.E(errs.Invalid, "train.Check", &OptionError{option, value, fmt.Sprintf(reason, args...)})
}

// Check tells whether c can be trained with at all, whatever the vocabulary. Errors are of kind Invalid and wrap an
// *OptionError.
func (c Config) Check() error {
	for _, o := range []struct {
		name      string
		value     int
		low, high int
	}{
		{"dim", c.Dim, 1, maxDim},
		{"window", c.Window, 1, maxWindow},
		{"epochs", c.Epochs, 1, maxEpochs},
		{"threads", c.Threads, 1, maxThreads},
		{"architecture", int(c.Architecture), int(SkipGram), int(CBOW)},
		{"output", int(c.Output), int(NegativeSampling), int(HierarchicalSoftmax)},
		{"storage", int(c.Storage), int(Float32), int(BFloat16)},
	} {
		if o.value < o.low || o.value > o.high {
			return badOption(o.name, o.value, "must lie between %d and %d", o.low, o.high)
		}
	}
	if c.Output == NegativeSampling && (c.Negative < 1 || c.Negative > maxNegative) {
		return badOption("negative", c.Negative, "must lie between 1 and %d", maxNegative)
	}
	if err := c.checkRates(); err != nil {
		return err
	}
	return c.checkModes()
}

func (c Config) checkRates() error {
	if !(c.Sample >= 0 && c.Sample <= 1) {
		return badOption("sample", c.Sample, "must lie between 0 and 1")
	}
	if !(c.Alpha > 0) || math.IsInf(c.Alpha, 0) {
		return badOption("alpha", c.Alpha, "must be positive and finite")
	}
	if !(c.MinAlpha >= 0 && c.MinAlpha <= c.Alpha) {
		return badOption("min-alpha", c.MinAlpha, "must lie between 0 and alpha (%g)", c.Alpha)
	}
	return nil
}

func (c Config) checkModes() error {
	if !c.SparkOrder {
		return nil
	}
	switch {
	case c.Output != HierarchicalSoftmax || c.Architecture != SkipGram:
		return badOption("spark-order", true, "needs skip-gram with hierarchical softmax")
	case c.Threads != 1:
		return badOption("threads", c.Threads, "must be 1 in Spark's order of updates")
	case c.Storage != Float32:
		return badOption("storage", "bfloat16", "must be float32 in Spark's order of updates")
	case c.Sample != 0:
		return badOption("sample", c.Sample, "must be 0 in Spark's order of updates, which leaves no word out")
	}
	return nil
}

// minWords is the smallest vocabulary with something to learn: a word against another.
const minWords = 2

func checkVocabulary(v *vocab.Vocabulary) error {
	switch {
	case v == nil || v.Len() == 0:
		return errs.Errorf(errs.Invalid, "train.Check", "the vocabulary is empty: the corpus has no word that reaches min-count")
	case v.Len() < minWords:
		return errs.Errorf(errs.Invalid, "train.Check", "the vocabulary has one word only (%q): nothing can be learnt from it", v.Words[0])
	case v.Total <= 0:
		return errs.Errorf(errs.Invalid, "train.Check", "the vocabulary counts %d words: the length of the corpus must be known", v.Total)
	}
	return nil
}
