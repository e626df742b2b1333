package record

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// answer is what a client heard last.
type answer struct {
	sequence uint64
	used     uint64 // when, as the record counts
	result   result
}

// result is an error without what cannot be kept of one.
type result struct {
	failed  bool
	kind    errs.Kind
	op      string
	message string
}

func resultOf(err error) result {
	if err == nil {
		return result{}
	}
	r := result{failed: true, kind: errs.KindOf(err), message: err.Error()}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		r.op, r.message = e.Op, e.Err.Error()
	}
	if len(r.message) > MaxReason {
		r.message = r.message[:MaxReason]
	}
	return r
}

func (r result) err() error {
	if !r.failed {
		return nil
	}
	return errs.E(r.kind, r.op, errors.New(r.message))
}

// request applies an entry once, however often it is asked for.
func (s *State) request(e Request) error {
	const op = "record.Request"
	if last, ok := s.answers[e.Client]; ok {
		switch {
		case last.sequence == e.Sequence:
			return last.result.err()
		case last.sequence > e.Sequence:
			return errs.Errorf(errs.Conflict, op, "request %d of %s comes after its request %d", e.Sequence, e.Client, last.sequence)
		}
	}
	if _, nested := e.Entry.(Request); nested {
		return errs.Errorf(errs.Invalid, op, "a request of a request")
	}
	err := s.Apply(e.Entry)
	s.remember(e.Client, answer{e.Sequence, s.next(), resultOf(err)})
	return err
}

// remember keeps a client's last answer. Where there are too many clients, the
// ones that have been silent for longest lose theirs, a sixteenth at a time, so
// that looking for them is paid rarely.
func (s *State) remember(client string, a answer) {
	if _, ok := s.answers[client]; !ok && len(s.answers) >= MaxClients {
		for _, silent := range s.clients()[:MaxClients/16] {
			delete(s.answers, silent)
		}
	}
	s.answers[client] = a
}

// clients are those with an answer, the longest silent first.
func (s *State) clients() []string {
	return slices.SortedFunc(maps.Keys(s.answers), func(a, b string) int {
		return cmp.Compare(s.answers[a].used, s.answers[b].used)
	})
}
