package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// inputSource reads other stages' outputs; each reader is a morsel.
type inputSource struct {
	inputs Inputs
	stage  int
	all    bool
	schema types.Schema
	mu     struct {
		sync.Mutex
		open []func(ctx context.Context) (batch.Reader, error)
	}
	next atomic.Int64
}

func (s *inputSource) Width(want int) int {
	return want
}

// readers opens the stage once for all threads. The list is short metadata: the
// lock is not held over reads of data.
func (s *inputSource) readers(ctx context.Context) ([]func(ctx context.Context) (batch.Reader, error), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.open == nil {
		open, err := s.inputs.Open(ctx, s.stage, s.all, s.schema)
		if err != nil {
			return nil, err
		}
		s.mu.open = append(make([]func(ctx context.Context) (batch.Reader, error), 0, 1), open...)
	}
	return s.mu.open, nil
}

func (s *inputSource) Stream() (Stream, error) { return &inputStream{src: s}, nil }

type inputStream struct {
	src    *inputSource
	reader batch.Reader
	seq    int64
	out    batch.Batch
}

func (s *inputStream) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if s.reader == nil {
			open, err := s.src.readers(ctx)
			if err != nil {
				return nil, err
			}
			s.seq = s.src.next.Add(1) - 1
			if s.seq >= int64(len(open)) {
				return nil, io.EOF
			}
			if s.reader, err = open[s.seq](ctx); err != nil {
				return nil, err
			}
		}
		b, err := s.reader.Next(ctx)
		if atEnd(err) {
			if err := s.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		s.out = *b
		s.out.Seq = s.seq
		return &s.out, nil
	}
}

func (s *inputStream) Close() error {
	if s.reader == nil {
		return nil
	}
	err := s.reader.Close()
	s.reader = nil
	return err
}
