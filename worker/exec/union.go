package exec

import (
	"context"
	"errors"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// unionSource reads its inputs one after another: each thread works through
// its streams of all inputs. Seq numbers of later inputs lie above earlier ones'.
type unionSource struct{ inputs []*pipe }

// unionStride separates the inputs' morsel numbers.
const unionStride = int64(1) << 40

func (u *unionSource) Width(want int) int {
	n := 1
	for _, p := range u.inputs {
		n = max(n, p.width(want))
	}
	return n
}

func (u *unionSource) Stream() (Stream, error) {
	s := &unionStream{}
	for _, p := range u.inputs {
		in, err := p.openOne()
		if err != nil {
			return nil, errors.Join(err, closeAll(s.ins))
		}
		s.ins = append(s.ins, in)
	}
	return s, nil
}

type unionStream struct {
	ins []Stream
	at  int
	out batch.Batch
}

func (s *unionStream) Next(ctx context.Context) (*batch.Batch, error) {
	for s.at < len(s.ins) {
		b, err := s.ins[s.at].Next(ctx)
		if atEnd(err) {
			s.at++
			continue
		}
		if err != nil {
			return nil, err
		}
		s.out = *b
		s.out.Seq = int64(s.at)*unionStride + b.Seq%unionStride
		return &s.out, nil
	}
	return nil, io.EOF
}

func (s *unionStream) Close() error { return closeAll(s.ins) }
