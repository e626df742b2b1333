package exec

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// windowPayload is the columns that window functions do not look at, of rows
// that wait for their partition to be complete. It is a queue: on disk where
// memory is short, then in memory.
type windowPayload struct {
	cols  []int // of the stored rows
	types []types.Type
	spill *spiller
	held  *share
	file  *spillFile
	disk  []segment
	tail  *batch.Batch
	head  *batch.Batch // being taken from
	at    int
	buf   []byte
}

// newWindowPayload queues the input columns that need does not have.
func newWindowPayload(w *windowPlan, need []bool) *windowPayload {
	p := &windowPayload{spill: w.sort.spill, held: w.sort.held.part()}
	all := w.sort.ord.types()
	for c := range w.input {
		if !need[c] {
			p.cols, p.types = append(p.cols, c), append(p.types, all[c])
		}
	}
	p.tail, p.head = batch.NewBatch(p.types, 0), batch.NewBatch(p.types, 0)
	return p
}

// add queues the rows of a batch of stored columns.
func (p *windowPayload) add(b *batch.Batch) error {
	if len(p.cols) == 0 {
		return nil
	}
	for i, c := range p.cols {
		p.tail.Cols[i].AppendRange(b.Cols[c], 0, b.N)
	}
	p.tail.N += b.N
	must, err := p.held.spills(p.head.Bytes() + p.tail.Bytes())
	if !must {
		return err
	}
	if p.file == nil {
		if p.file, err = p.spill.create(); err != nil {
			return err
		}
	}
	err = p.file.writeCut(p.tail, func(s segment) { p.disk = append(p.disk, s) })
	p.tail = batch.NewBatch(p.types, 0)
	p.held.force(p.head.Bytes())
	return err
}

// next makes up to n rows available in head at at, and tells how many.
func (p *windowPayload) next(n int) (int, error) {
	if len(p.cols) == 0 {
		return n, nil
	}
	for p.at == p.head.N {
		switch {
		case len(p.disk) > 0:
			b, err := p.disk[0].read(p.types, &p.buf)
			if err != nil {
				return 0, err
			}
			p.disk, p.head, p.at = p.disk[1:], b, 0
		case p.tail.N > 0:
			p.head, p.at, p.tail = p.tail, 0, batch.NewBatch(p.types, 0)
		default:
			return 0, errs.Errorf(errs.Internal, "exec.window", "%d rows without their columns", n)
		}
		p.held.force(p.head.Bytes() + p.tail.Bytes())
	}
	return min(n, p.head.N-p.at), nil
}

// looked are the stored columns that the functions and their frames look at.
func (w *windowPlan) looked() []bool {
	out := make([]bool, len(w.sort.ord.types()))
	for _, c := range w.part {
		out[c] = true
	}
	for _, k := range w.order {
		out[k.col] = true
	}
	for _, d := range w.funcs {
		for _, a := range d.args {
			if a.lit == nil {
				out[a.col] = true
			}
		}
		if d.filter >= 0 {
			out[d.filter] = true
		}
	}
	return out
}
