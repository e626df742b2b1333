package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/spurwheel/spurwheel/mllib/word2vec"
)

// quietEvery is the time between lines of progress where nobody looks on: in a log.
const quietEvery = 10 * time.Second

// progress prints how a training goes: one line that changes on a terminal, a line now and then elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	off      bool
	last     time.Duration
	shown    bool
}

func newProgress(out io.Writer, off bool) *progress {
	p := &progress{out: out, off: off}
	if f, ok := out.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) show(r word2vec.Report) {
	if p.off || !p.terminal && p.shown && r.Words < r.Total && r.Elapsed-p.last < quietEvery {
		return
	}
	p.last = r.Elapsed
	line := fmt.Sprintf("%5.1f%%  %.2f M words/s  alpha %.4f  loss %.3f  %s left",
		100*float64(r.Words)/float64(max(r.Total, 1)), r.PerSecond/1e6, r.Alpha, r.Loss, r.Left.Round(time.Second))
	if p.terminal {
		fmt.Fprintf(p.out, "\r%s\x1b[K", line)
	} else {
		fmt.Fprintln(p.out, line)
	}
	p.shown = true
}

// end leaves the line on a terminal.
func (p *progress) end() {
	if p.terminal && p.shown {
		fmt.Fprintln(p.out)
	}
}
