package driver_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// story is all that a simulated run is made of: how many workers, which jobs and
// what goes wrong when. What is left to chance follows from the seed.
type story struct {
	seed    uint64
	workers int
	loss    int // messages of 1,000
	repeat  int
	jobs    []simSpec
	faults  []fault
}

// simSpec is a job and when it is submitted.
type simSpec struct {
	at     time.Duration
	stages []dispatch.Stage
}

// fault is one thing that goes wrong: with a worker, or -1.
type fault struct {
	at     time.Duration
	kind   string
	worker int
	length time.Duration
}

// The faults, and how often each is drawn.
var faultKinds = []string{
	"kill", "kill", "pause", "cut-in", "cut-out", "cut-both", "lose", "lose", "drain", "peers",
	"crash-leader", "crash-leader", "depose-leader", "slow-fsync", "clock", "clock",
}

// draw makes a story of a seed.
func draw(seed uint64) story {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := story{seed: seed, workers: 2 + rng.IntN(3)}
	if rng.IntN(2) == 0 {
		s.loss, s.repeat = rng.IntN(30), rng.IntN(60)
	}
	for range 1 + rng.IntN(3) {
		s.jobs = append(s.jobs, simSpec{at: time.Duration(rng.IntN(3000)) * time.Millisecond, stages: drawStages(rng)})
	}
	for range rng.IntN(9) {
		f := fault{at: time.Duration(rng.IntN(12_000)) * time.Millisecond, kind: faultKinds[rng.IntN(len(faultKinds))], worker: rng.IntN(s.workers)}
		f.length = time.Duration(50+rng.IntN(9000)) * time.Millisecond
		s.faults = append(s.faults, f)
	}
	return s
}

func drawStages(rng *rand.Rand) []dispatch.Stage {
	var out []dispatch.Stage
	for id := range 1 + rng.IntN(4) {
		st := dispatch.Stage{ID: id, Tasks: 1 + rng.IntN(5), Volatile: rng.IntN(5) == 0, Speculate: rng.IntN(2) == 0}
		if id > 0 {
			st.Inputs = []int{id - 1}
			if id > 1 && rng.IntN(2) == 0 {
				st.Inputs = append(st.Inputs, id-2)
			}
		}
		switch rng.IntN(8) {
		case 0:
			st.Shape, st.Tasks = dispatch.Gang, 1+rng.IntN(simSlots)
		case 1:
			st.Shape = dispatch.Rounds
		}
		out = append(out, st)
	}
	return out
}

// String is a story as it is kept in testdata.
func (s story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d workers %d loss %d repeat %d\n", s.seed, s.workers, s.loss, s.repeat)
	for _, j := range s.jobs {
		fmt.Fprintf(&b, "job %s\n", j.at)
		for _, st := range j.stages {
			fmt.Fprintf(&b, "stage %d %d %d %t %t", st.Tasks, st.Shape, st.GPUs, st.Volatile, st.Speculate)
			for _, in := range st.Inputs {
				fmt.Fprintf(&b, " %d", in)
			}
			b.WriteByte('\n')
		}
	}
	for _, f := range s.faults {
		fmt.Fprintf(&b, "fault %s %s %d %s\n", f.at, f.kind, f.worker, f.length)
	}
	return b.String()
}

// readStory is String backwards.
func readStory(text string) (s story, err error) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		var word string
		_, _ = fmt.Sscan(lines.Text(), &word)
		if err := readLine(&s, word, lines.Text()); err != nil {
			return s, errs.Errorf(errs.Invalid, "readStory", "%q: %w", lines.Text(), err)
		}
	}
	return s, lines.Err()
}

func readLine(s *story, word, line string) error {
	var at, length string
	var err error
	switch word {
	case "seed":
		_, err = fmt.Sscanf(line, "seed %d workers %d loss %d repeat %d", &s.seed, &s.workers, &s.loss, &s.repeat)
	case "job":
		if _, err = fmt.Sscanf(line, "job %s", &at); err == nil {
			s.jobs = append(s.jobs, simSpec{})
			s.jobs[len(s.jobs)-1].at, err = time.ParseDuration(at)
		}
	case "stage":
		j := &s.jobs[len(s.jobs)-1]
		st := dispatch.Stage{ID: len(j.stages)}
		fields := strings.Fields(line)
		_, err = fmt.Sscanf(line, "stage %d %d %d %t %t", &st.Tasks, &st.Shape, &st.GPUs, &st.Volatile, &st.Speculate)
		for _, f := range fields[min(6, len(fields)):] {
			var in int
			if _, err := fmt.Sscan(f, &in); err != nil {
				return err
			}
			st.Inputs = append(st.Inputs, in)
		}
		j.stages = append(j.stages, st)
	case "fault":
		var f fault
		if _, err = fmt.Sscanf(line, "fault %s %s %d %s", &at, &f.kind, &f.worker, &length); err != nil {
			return err
		}
		if f.at, err = time.ParseDuration(at); err == nil {
			f.length, err = time.ParseDuration(length)
		}
		s.faults = append(s.faults, f)
	}
	return err
}

// shorter gives the stories with one thing less.
func (s story) shorter(try func(story) bool) story {
	for again := true; again; {
		again = false
		for i := range s.faults {
			t := s
			t.faults = append(append([]fault{}, s.faults[:i]...), s.faults[i+1:]...)
			if try(t) {
				s, again = t, true
				break
			}
		}
		for i := range s.jobs {
			t := s
			t.jobs = append(append([]simSpec{}, s.jobs[:i]...), s.jobs[i+1:]...)
			if len(t.jobs) > 0 && try(t) {
				s, again = t, true
				break
			}
		}
		if t := s; t.loss+t.repeat > 0 {
			t.loss, t.repeat = 0, 0
			if try(t) {
				s, again = t, true
			}
		}
	}
	return s
}
