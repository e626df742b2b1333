package gpu

import (
	"context"

	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Assign finds for every point the centre at the least Euclidean distance, and the square of that distance. Both are rows of dim
// floats. Points that are as far from two centres may get either. A call that has begun is not stopped by ctx.
func (h *Helper) Assign(ctx context.Context, points, centres []float32, dim int) (nearest []uint32, distances []float32, err error) {
	var plan wire.Plan
	rows, columns, err := shape("gpu.Assign", points, centres, dim)
	if err != nil {
		return nil, nil, err
	}
	request := &wire.Assign{
		Points: rows, Centres: columns, Dim: dim, From: plan.Add(4 * int64(len(points))), To: plan.Add(4 * int64(len(centres))),
		Nearest: plan.Add(4 * int64(rows)), Distances: plan.Add(4 * int64(rows)),
	}
	nearest, distances = make([]uint32, rows), make([]float32, rows)
	err = h.score(ctx, wire.TypeAssign, request, plan, points, centres, nearest, distances)
	return nearest, distances, err
}

// Nearest finds for every query the top rows with the greatest scalar products, best first: for rows of length 1, those with the
// greatest cosines. Of rows that tie for the last place, any may be left out.
func (h *Helper) Nearest(ctx context.Context, queries, rows []float32, dim, top int) (ids []uint32, scores []float32, err error) {
	var plan wire.Plan
	count, of, err := shape("gpu.Nearest", queries, rows, dim)
	if err != nil {
		return nil, nil, err
	}
	answer := int64(count) * int64(top)
	if top < 1 || top > min(of, wire.MaxTop) {
		return nil, nil, errs.Errorf(errs.Invalid, "gpu.Nearest", "the best %d of %d rows; at most %d are kept", top, of, wire.MaxTop)
	}
	request := &wire.Nearest{
		Queries: count, Rows: of, Dim: dim, Top: top, From: plan.Add(4 * int64(len(queries))), To: plan.Add(4 * int64(len(rows))),
		IDs: plan.Add(4 * answer), Scores: plan.Add(4 * answer),
	}
	ids, scores = make([]uint32, answer), make([]float32, answer)
	err = h.score(ctx, wire.TypeNearest, request, plan, queries, rows, ids, scores)
	return ids, scores, err
}

func shape(op string, a, b []float32, dim int) (rows, columns int, err error) {
	if dim < 1 || len(a) == 0 || len(b) == 0 || len(a)%dim != 0 || len(b)%dim != 0 {
		return 0, 0, errs.Errorf(errs.Invalid, op, "%d and %d floats are not rows of %d", len(a), len(b), dim)
	}
	return len(a) / dim, len(b) / dim, nil
}

// scoring is a request over two matrices with an answer of ids and floats, which lie in the shared memory in this order.
type scoring interface {
	wire.Message
	Sections() []wire.Section
}

func (h *Helper) score(ctx context.Context, t wire.Type, request scoring, plan wire.Plan, from, to []float32, ids []uint32, floats []float32) error {
	h.call.Lock()
	defer h.call.Unlock()
	defer h.killIfStuck(ctx)()
	if err := ctx.Err(); err != nil {
		return errs.E(errs.Canceled, "gpu", err)
	}
	if err := request.Validate(); err != nil {
		return errs.E(errs.Invalid, "gpu", err)
	}
	memory, err := wire.NewMemory(plan.Size())
	if err != nil {
		return err
	}
	defer memory.Close()
	sections := request.Sections()
	copy(wire.Slice[float32](memory, sections[0]), from)
	copy(wire.Slice[float32](memory, sections[1]), to)
	if err := h.socket.Send(t, request, memory.File()); err != nil {
		return h.gone()
	}
	// Not given up half way: the answer would be taken for that of the next call.
	if err := h.expect(context.WithoutCancel(ctx), wire.TypeDone, &wire.Empty{}); err != nil {
		return err
	}
	copy(ids, wire.Slice[uint32](memory, sections[2]))
	copy(floats, wire.Slice[float32](memory, sections[3]))
	return nil
}
