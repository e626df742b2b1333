package physical

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// partialGain is the most groups for each input row at which grouping before
// the exchange pays: above it, states travel instead of rows that are no larger.
const partialGain = 0.5

// gatheredGroups is the most estimated groups whose states one task merges: a
// few thousand rows a task are not worth spreading.
const gatheredGroups = 4096

// aggregate brings equal keys together and groups. Where groups are few, each
// task groups its own rows first and only states travel.
func (c *cutter) aggregate(n *Aggregate) spread {
	if inner, ok := n.Child.(*Aggregate); ok && n.Merge != nil && inner.Mode == AggPartial {
		return c.twoLevels(n, inner)
	}
	s := c.distribute(n.Child)
	if s.parts == onePart || s.parts == hashed && sameKeys(s.keys, n.Keys) {
		return spread{node: n.WithChildren([]Node{s.node}), parts: s.parts, keys: outputKeys(n, s), tasks: s.tasks}
	}
	if n.splits() {
		return c.partial(n, s)
	}
	if len(n.Keys) == 0 {
		return spread{node: n.WithChildren([]Node{c.gather(s).node}), tasks: 1}
	}
	s = c.hash(s, n.Keys)
	return spread{node: n.WithChildren([]Node{s.node}), parts: hashed, keys: outputKeys(n, s), tasks: s.tasks}
}

// outputKeys are a grouping's keys over its own output, where tasks have them apart.
func outputKeys(n *Aggregate, s spread) []plan.Expr {
	if s.parts != hashed {
		return nil
	}
	out := make([]plan.Expr, len(n.Keys))
	for i, k := range n.Keys {
		out[i] = boundTo(k, i)
	}
	return out
}

// splits tells whether a grouping can be done in two steps and shrinks its input.
func (n *Aggregate) splits() bool {
	if n.Mode != AggComplete || n.Merge != nil || n.states == nil {
		return false
	}
	in, out := n.Child.Estimate(), n.Estimate()
	return in < 0 || out < 0 || float64(out) <= partialGain*float64(in)
}

// partial groups before and after the exchange.
func (c *cutter) partial(n *Aggregate, s spread) spread {
	before := &Aggregate{Rows: n.Rows, Mode: AggPartial, Keys: n.Keys, Aggs: n.Aggs, Out: stateSchema(n), Child: s.node}
	s.node = before
	keys := outputKeys(n, spread{parts: hashed})
	if few := n.Estimate(); len(keys) == 0 || few >= 0 && few <= gatheredGroups {
		s = c.gather(spread{node: before, parts: anyParts, tasks: s.tasks})
	} else {
		s = c.exchange(s, Exchange{Kind: ExchangeHash, Keys: keys, Parts: c.workers})
	}
	after := &Aggregate{Rows: n.Rows, Mode: AggFinal, Keys: keys, Aggs: n.Aggs, Out: n.Out, Child: s.node}
	return spread{node: after, parts: s.parts, keys: keys, tasks: s.tasks}
}

// stateSchema is keys, then every function's states.
func stateSchema(n *Aggregate) types.Schema {
	out := aggSchema(n.Keys, nil)
	for i, a := range n.Aggs {
		for _, t := range n.states[i] {
			out.Fields = append(out.Fields, types.F(a.Name+"_state", t))
		}
	}
	return out
}

// twoLevels keeps the aggregations of distinct functions in one task: the
// outer one merges states of functions that only the inner one knows.
func (c *cutter) twoLevels(outer, inner *Aggregate) spread {
	s := c.distribute(inner.Child)
	if len(outer.Keys) == 0 || s.parts == onePart {
		s = c.gather(s)
	} else {
		s = c.hash(s, inner.Keys[:len(outer.Keys)])
	}
	node := outer.WithChildren([]Node{inner.WithChildren([]Node{s.node})})
	return spread{node: node, parts: s.parts, keys: outputKeys(outer, s), tasks: s.tasks}
}
