package session

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Level is Spark's storage level.
type Level struct {
	Disk, Memory, OffHeap, Deserialized bool
	Replication                         int
}

// maxPersisted bounds the persisted plans of a session.
const maxPersisted = 10_000

// storage is what a session persisted: plans by meaning, filled when first used.
type storage struct {
	mu struct {
		sync.Mutex
		plans map[string]*persisted
		next  int
	}
	rows *cache.Rows
	id   string
}

type persisted struct {
	level Level
	key   string // in cache.Rows
	plan  plan.Node

	mu struct {
		sync.Mutex // held while the rows are computed: others wait for them
		held       *cache.Held
	}
}

func newStorage(rows *cache.Rows, id string) *storage {
	s := &storage{rows: rows, id: id}
	s.mu.plans = map[string]*persisted{}
	return s
}

func (s *storage) clear() {
	s.mu.Lock()
	all := s.mu.plans
	s.mu.plans = map[string]*persisted{}
	s.mu.Unlock()
	for _, p := range all {
		s.drop(p)
	}
}

// drop frees a plan's rows. Where none are kept, as in a cluster, plans are
// computed again each time.
func (s *storage) drop(p *persisted) {
	if s.rows != nil {
		s.rows.Drop(p.key)
	}
}

func (s *storage) find(meaning string) *persisted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.plans[meaning]
}

func (s *storage) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.plans) == 0
}

func (s *storage) add(meaning string, n plan.Node, level Level) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.plans[meaning] != nil {
		return nil
	}
	if len(s.mu.plans) >= maxPersisted {
		return errs.Errorf(errs.Exhausted, "session.Persist", "%d plans are persisted in this session, the limit: unpersist some", maxPersisted)
	}
	s.mu.next++
	s.mu.plans[meaning] = &persisted{level: level, plan: n, key: fmt.Sprintf("%s/%d", s.id, s.mu.next)}
	return nil
}

func (s *storage) remove(meaning string) {
	s.mu.Lock()
	p := s.mu.plans[meaning]
	delete(s.mu.plans, meaning)
	s.mu.Unlock()
	if p != nil {
		s.drop(p)
	}
}

var columnID = regexp.MustCompile(`#\d+`)

// meaning is a text that plans share only if they compute the same: the tree
// with column identities numbered by first appearance. Local rows count by
// identity of their data.
func meaning(n plan.Node) string {
	seen := map[string]string{}
	var b strings.Builder
	plan.Walk(n, func(x plan.Node) bool {
		fmt.Fprintf(&b, "%T|%s|%d\n", x, x, len(x.Children()))
		if l, ok := x.(*plan.Local); ok && len(l.Data) > 0 {
			fmt.Fprintf(&b, "%p\n", l.Data[0])
		}
		return true
	})
	return columnID.ReplaceAllStringFunc(b.String(), func(id string) string {
		if s, ok := seen[id]; ok {
			return s
		}
		seen[id] = fmt.Sprintf("#%d", len(seen))
		return seen[id]
	})
}

// Persist keeps a query's rows once they are computed.
func (s *Session) Persist(ctx context.Context, n plan.Node, level Level) error {
	resolved, err := s.Analyze(ctx, n)
	if err != nil {
		return err
	}
	return s.storage.add(meaning(resolved), resolved, level)
}

// Unpersist drops what Persist kept.
func (s *Session) Unpersist(ctx context.Context, n plan.Node) error {
	resolved, err := s.Analyze(ctx, n)
	if err != nil {
		return err
	}
	s.storage.remove(meaning(resolved))
	return nil
}

// Level tells how a query is persisted; the zero level if it is not.
func (s *Session) Level(ctx context.Context, n plan.Node) (Level, error) {
	resolved, err := s.Analyze(ctx, n)
	if err != nil {
		return Level{}, err
	}
	if p := s.storage.find(meaning(resolved)); p != nil {
		return p.level, nil
	}
	return Level{}, nil
}

// SemanticKey is equal for queries that surely compute the same.
func (s *Session) SemanticKey(ctx context.Context, n plan.Node) (string, error) {
	resolved, err := s.Analyze(ctx, n)
	if err != nil {
		return "", err
	}
	return meaning(resolved), nil
}

// useCached replaces the largest persisted subtrees by their kept rows,
// computing those that are not there yet.
func (q *query) useCached(ctx context.Context, n plan.Node) (plan.Node, error) {
	if q.s.storage.rows == nil || q.s.storage.empty() {
		return n, nil
	}
	return plan.TransformDown(n, func(x plan.Node) (plan.Node, error) {
		if _, ok := x.(*plan.Scan); ok && isHeld(x) {
			return x, nil
		}
		p := q.s.storage.find(meaning(x))
		if p == nil || x.Output() == nil {
			return x, nil
		}
		held, err := q.fill(ctx, p)
		if err != nil {
			return nil, err
		}
		return heldScan(p, held, x.Output()), nil
	})
}

func isHeld(n plan.Node) bool {
	_, ok := n.(*plan.Scan).Source.(*heldTable)
	return ok
}

// heldScan reads kept rows under the identities of the columns they stand for.
// Names in the table are positions, since output names may repeat.
func heldScan(p *persisted, h *cache.Held, out []*plan.Column) plan.Node {
	t := &heldTable{key: p.key, held: h}
	scan := &plan.Scan{Source: t}
	for i, c := range out {
		f := c.Field()
		f.Name = fmt.Sprintf("c%d", i)
		t.schema.Fields = append(t.schema.Fields, f)
		col := *c
		col.Name = f.Name
		scan.Columns = append(scan.Columns, &col)
	}
	return scan
}

// fill computes a persisted plan's rows once.
func (q *query) fill(ctx context.Context, p *persisted) (*cache.Held, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.held != nil {
		return p.mu.held, nil
	}
	below := p.plan
	if cs := below.Children(); len(cs) > 0 { // parts of it may be persisted too
		out := make([]plan.Node, len(cs))
		for i, c := range cs {
			u, err := q.useCached(ctx, c)
			if err != nil {
				return nil, err
			}
			out[i] = u
		}
		below = below.WithChildren(out)
	}
	node, err := q.optimizedPhysical(ctx, below, plan.SchemaOf(p.plan))
	if err != nil {
		return nil, err
	}
	stream, err := q.start(ctx, node)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	w := q.s.storage.rows.Create(p.key, node.Schema())
	for {
		b, err := stream.Next(ctx)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.Write(b)
		}
		if err != nil {
			w.Abort()
			return nil, err
		}
	}
	p.mu.held, err = w.Commit()
	return p.mu.held, err
}

// heldTable is kept rows as a table.
type heldTable struct {
	key    string
	schema types.Schema
	held   *cache.Held
}

var _ catalog.InMemory = (*heldTable)(nil)

func (t *heldTable) Name() string            { return "persisted " + t.key }
func (t *heldTable) Schema() types.Schema    { return t.schema }
func (t *heldTable) Key() string             { return t.key }
func (t *heldTable) Batches() []*batch.Batch { return nil }
func (t *heldTable) Files() []string         { return nil }
func (t *heldTable) PartitionColumns() int   { return 0 }
func (t *heldTable) Stats(context.Context) (catalog.Stats, error) {
	return catalog.Stats{Rows: t.held.Rows, Bytes: t.held.Memory + t.held.Disk}, nil
}

func (t *heldTable) Splits(context.Context, catalog.ScanRequest) ([]format.Split, error) {
	return nil, nil
}
