package work

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// How a product is cut: so many rows of scores at a time, of so many columns. A full cut of scores takes 256 MiB.
const (
	scoreRows    = 4096
	scoreColumns = 16384
	scoreWarps   = 4 // of a block
)

// Assign finds the nearest centre of every point: the one with the greatest 2xc - |c|², which is |x|² less the squared distance.
func (d *Devices) Assign(a wire.Assign, memory *wire.Memory) error {
	points, centres := wire.Slice[float32](memory, a.From), wire.Slice[float32](memory, a.To)
	terms := make([]float32, a.Centres)
	for i := range terms {
		terms[i] = -square(centres[i*a.Dim:][:a.Dim])
	}
	distances := wire.Slice[float32](memory, a.Distances)
	err := d.best(product{queries: points, rows: centres, dim: a.Dim, top: 1, factor: 2, terms: terms}, wire.Slice[uint32](memory, a.Nearest), distances)
	for i, score := range distances {
		distances[i] = max(0, square(points[i*a.Dim:][:a.Dim])-score)
	}
	return err
}

func square(x []float32) float32 {
	sum := float32(0)
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// Nearest finds the best rows of every query.
func (d *Devices) Nearest(n wire.Nearest, memory *wire.Memory) error {
	p := product{queries: wire.Slice[float32](memory, n.From), rows: wire.Slice[float32](memory, n.To), dim: n.Dim, top: n.Top, factor: 1}
	return d.best(p, wire.Slice[uint32](memory, n.IDs), wire.Slice[float32](memory, n.Scores))
}

// product is scores of queries against rows, factor x query·row + term of the row.
type product struct {
	queries, rows []float32
	dim, top      int
	factor        float32
	terms         []float32 // nil: none
}

// best writes the top rows of every query, best first.
func (d *Devices) best(p product, ids []uint32, scores []float32) error {
	threads, devices, err := d.usable(1)
	if err != nil {
		return err
	}
	return threads[0].Do(func(dev *driver.Device) error {
		s := &scorer{holdings: holdings{dev: dev}, product: p}
		defer s.close()
		if err := s.open(devices[0]); err != nil {
			return err
		}
		return s.run(ids, scores)
	})
}

// scorer is a product on a device.
type scorer struct {
	holdings
	product
	depth            int // dim, padded to whole tiles
	stream           driver.Stream
	scores, keep     driver.Kernel
	arguments        driver.Arguments
	staging          driver.Pinned
	a, b, c, term    driver.Pointer
	bestAt, idsAt    driver.Pointer
	blocks           int
	rowsOf, columnOf int // queries and rows at a time
}

func (s *scorer) open(info wire.Device) error {
	module, err := s.load(info)
	if err != nil {
		return err
	}
	if s.scores, err = module.Kernel(kernel.Scores(info.Kernels), scoreWarps*4*kernel.ScoresShared); err != nil {
		return err
	}
	if s.keep, err = module.Kernel(kernel.BestScores, scoreWarps*8*s.top); err != nil {
		return err
	}
	s.blocks = info.Processors * warpsPerProcessor / scoreWarps * 2
	s.depth = padded(s.dim)
	s.rowsOf, s.columnOf = min(scoreRows, s.count(s.queries)), min(scoreColumns, s.count(s.rows))
	if s.stream, err = s.holdings.stream(); err != nil {
		return err
	}
	if s.arguments, err = s.holdings.arguments(int(unsafe.Sizeof(kernel.ScoresArgs{}) + unsafe.Sizeof(kernel.BestArgs{}))); err != nil {
		return err
	}
	if s.staging, err = s.pinned(max(chunkBytes, 4*s.depth*kernel.Tile)); err != nil {
		return err
	}
	for _, m := range []struct {
		to    *driver.Pointer
		bytes int
	}{
		{&s.a, 4 * s.depth * padded(s.rowsOf)},
		{&s.b, 4 * s.depth * padded(s.columnOf)},
		{&s.c, 4 * s.rowsOf * s.columnOf},
		{&s.term, 4 * s.columnOf},
		{&s.bestAt, 4 * s.rowsOf * s.top},
		{&s.idsAt, 4 * s.rowsOf * s.top},
	} {
		if *m.to, err = s.alloc(int64(m.bytes)); err != nil {
			return err
		}
	}
	return nil
}

// close waits for what is queued before its memory goes.
func (s *scorer) close() {
	if s.stream != (driver.Stream{}) {
		_ = s.stream.Wait() // its error has been reported
	}
	s.holdings.close()
}

func padded(n int) int { return (n + kernel.Tile - 1) / kernel.Tile * kernel.Tile }

func (s *scorer) count(rows []float32) int { return len(rows) / s.dim }

func (s *scorer) run(ids []uint32, scores []float32) error {
	queries, rows := s.count(s.queries), s.count(s.rows)
	for from := 0; from < queries; from += s.rowsOf {
		n := min(s.rowsOf, queries-from)
		if err := s.upload(s.a, s.queries[from*s.dim:][:n*s.dim]); err != nil {
			return err
		}
		for first := 0; first < rows; first += s.columnOf {
			columns := min(s.columnOf, rows-first)
			if from == 0 || rows > s.columnOf { // all rows stay where they fit
				if err := s.uploadRows(first, columns); err != nil {
					return err
				}
			}
			if err := s.launch(n, first, columns); err != nil {
				return err
			}
		}
		if err := s.download(ids[from*s.top:][:n*s.top], scores[from*s.top:][:n*s.top]); err != nil {
			return err
		}
	}
	return nil
}

func (s *scorer) uploadRows(first, columns int) error {
	if err := s.upload(s.b, s.rows[first*s.dim:][:columns*s.dim]); err != nil || s.terms == nil {
		return err
	}
	staged := s.staging.Bytes[:4*columns]
	copy(driver.As[float32](staged), s.terms[first:first+columns])
	if err := s.stream.Upload(s.term, staged); err != nil {
		return err
	}
	return s.stream.Wait()
}

// upload pads rows to whole tiles.
func (s *scorer) upload(to driver.Pointer, from []float32) error {
	fit := len(s.staging.Bytes) / 4 / s.depth / kernel.Tile * kernel.Tile
	for first, count := 0, s.count(from); first < count; first += fit {
		n := min(fit, count-first)
		staged := s.staging.Bytes[:4*s.depth*padded(n)]
		floats := driver.As[float32](staged)
		clear(floats)
		for i := range n {
			copy(floats[i*s.depth:], from[(first+i)*s.dim:][:s.dim])
		}
		if err := s.stream.Upload(to+driver.Pointer(4*s.depth*first), staged); err != nil {
			return err
		}
		if err := s.stream.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scorer) launch(rows, first, columns int) error {
	product := kernel.ScoresArgs{
		A: uint64(s.a), B: uint64(s.b), C: uint64(s.c), Rows: uint32(rows), Columns: uint32(columns), Depth: uint32(s.depth),
		Stride: uint32(s.columnOf), Factor: s.factor, SharedFloats: kernel.ScoresShared,
	}
	if s.terms != nil {
		product.Term = uint64(s.term)
	}
	if err := driver.Launch(s.stream, s.scores, s.arguments, product, s.blocks, scoreWarps*kernel.WarpLanes, scoreWarps*4*kernel.ScoresShared); err != nil {
		return err
	}
	keep := kernel.BestArgs{
		Scores: uint64(s.c), Best: uint64(s.bestAt), IDs: uint64(s.idsAt), Rows: uint32(rows), Columns: uint32(columns),
		Stride: uint32(s.columnOf), FirstID: uint32(first), Top: uint32(s.top), SharedFloats: uint32(2 * s.top),
	}
	if first == 0 {
		keep.Fresh = 1
	}
	return driver.Launch(s.stream, s.keep, s.arguments, keep, s.blocks, scoreWarps*kernel.WarpLanes, scoreWarps*8*s.top)
}

// download takes the best of a cut and puts them in order: greatest scores first, of equal ones the lower row.
func (s *scorer) download(ids []uint32, scores []float32) error {
	bytes := 4 * len(ids)
	for at := 0; at < bytes; at += len(s.staging.Bytes) / 2 {
		n := min(len(s.staging.Bytes)/2, bytes-at)
		low, high := s.staging.Bytes[:n], s.staging.Bytes[len(s.staging.Bytes)/2:][:n]
		if err := s.stream.Download(low, s.idsAt+driver.Pointer(at)); err != nil {
			return err
		}
		if err := s.stream.Download(high, s.bestAt+driver.Pointer(at)); err != nil {
			return err
		}
		if err := s.stream.Wait(); err != nil {
			return err
		}
		copy(ids[at/4:], driver.As[uint32](low))
		copy(scores[at/4:], driver.As[float32](high))
	}
	order := make([]scored, s.top)
	for at := 0; at < len(ids); at += s.top {
		for i := range order {
			order[i] = scored{ids[at+i], scores[at+i]}
		}
		slices.SortFunc(order, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id)) })
		for i, o := range order {
			ids[at+i], scores[at+i] = o.id, o.score
		}
	}
	return nil
}

type scored struct {
	id    uint32
	score float32
}
