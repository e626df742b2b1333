package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// evalBytes is about what the values computed from one batch may take. A batch
// of 4096 rows is 16 GB once repeat has made 4 MB of each.
const evalBytes = 4 << 20

// firstPiece is how many rows are evaluated first, when nothing is known of
// what they become; pieces grow by pieceGrowth at most.
const (
	firstPiece  = 4
	pieceGrowth = 8
)

// meter tells what an expression held in its last evaluation.
type meter interface {
	Held() int64
	Grows() bool
}

// pacer cuts batches before expressions are evaluated over them, by what the
// rows before took. It costs nothing where no value can grow.
type pacer struct {
	meters []meter
	rows   int // of the next piece
	cur    *batch.Batch
	at     int
	piece  batch.Batch
}

// watch adds expressions; those that cannot grow are left out.
func (p *pacer) watch(evs []evaluator) {
	for _, ev := range evs {
		p.watchOne(ev)
	}
}

func (p *pacer) watchOne(ev any) {
	if m, ok := ev.(meter); ok && m.Grows() {
		p.meters = append(p.meters, m)
		p.rows = firstPiece
	}
}

// next is the next rows of in to evaluate; learn is to be called after.
func (p *pacer) next(ctx context.Context, in Stream) (*batch.Batch, error) {
	if p.cur == nil {
		b, err := in.Next(ctx)
		if err != nil || len(p.meters) == 0 || b.N <= p.rows {
			return b, err
		}
		p.cur, p.at = b, 0
	}
	return p.cut(), nil
}

// cut is the next piece of cur.
func (p *pacer) cut() *batch.Batch {
	n := min(p.rows, p.cur.N-p.at)
	sliceBatch(&p.piece, p.cur, p.at, n)
	if p.at += n; p.at == p.cur.N {
		p.cur = nil
	}
	return &p.piece
}

// each gives f a batch in pieces.
func (p *pacer) each(b *batch.Batch, f func(*batch.Batch) error) error {
	if len(p.meters) == 0 {
		return f(b)
	}
	for p.cur, p.at = b, 0; p.cur != nil; {
		if p.at == 0 && b.N <= p.rows {
			p.cur = nil
			err := f(b)
			p.learn(b.N)
			return err
		}
		piece := p.cut()
		if err := f(piece); err != nil {
			p.cur = nil
			return err
		}
		p.learn(piece.N)
	}
	return nil
}

// learn takes note of what n rows became.
func (p *pacer) learn(n int) {
	if len(p.meters) == 0 || n == 0 {
		return
	}
	var held int64
	for _, m := range p.meters {
		held += m.Held()
	}
	per := max(held/int64(n), 1)
	p.rows = int(max(1, min(evalBytes/per, pieceGrowth*int64(max(p.rows, n)))))
}
