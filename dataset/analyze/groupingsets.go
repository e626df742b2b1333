package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Grouping sets: each input row is repeated once for each set, with the keys
// that are not in the set made null and a number that says which they are.

// expansion is what an aggregate over grouping sets was made of.
type expansion struct {
	keys  []plan.Expr    // as the user wrote them, over the original input
	cols  []*plan.Column // their columns above the Expand
	gid   *plan.Column
	input []*plan.Column
}

// maxGroupingKeys is the number of keys whose set fits the grouping id.
const maxGroupingKeys = 63

const groupingIDName = "spark_grouping_id"

// groupingSets puts an Expand below the aggregate and expresses its list by
// the expanded keys.
func (r *run) groupingSets(agg *plan.Aggregate) (*plan.Aggregate, error) {
	x := &expansion{input: agg.Child.Output(), gid: &plan.Column{Name: groupingIDName, ID: r.NextID(), Typ: types.Long}}
	x.keys = uniqueKeys(agg)
	if len(x.keys) > maxGroupingKeys {
		return nil, errs.Cond(errs.Analysis, "GROUPING_SIZE_LIMIT_EXCEEDED", "54000",
			"There are more than "+itoa(maxGroupingKeys)+" grouping expressions.", "maxSize", itoa(maxGroupingKeys))
	}
	sets := setsOf(agg, x.keys)
	for i, k := range x.keys {
		c := &plan.Column{Name: plan.SQLName(k), ID: r.NextID(), Typ: k.Type(), Null: k.Nullable()}
		if kc, ok := k.(*plan.Column); ok {
			c.Qualifier, c.Metadata = kc.Qualifier, kc.Metadata
		}
		for _, s := range sets {
			c.Null = c.Null || s&keyBit(i, len(x.keys)) != 0
		}
		x.cols = append(x.cols, c)
	}
	out := &plan.Aggregate{Child: r.expand(agg.Child, x, sets), GroupBy: columnList(x.cols)}
	out.GroupBy = append(out.GroupBy, x.gid)
	if pos := out.Child.(*plan.Expand).Columns; pos[len(pos)-1].Name == groupingPosName {
		out.GroupBy = append(out.GroupBy, pos[len(pos)-1])
	}
	r.expanded[x.gid.ID] = x
	for _, e := range agg.List {
		e, err := r.overKeys(e, x)
		if err != nil {
			return nil, err
		}
		out.List = append(out.List, e)
	}
	return out, nil
}

// expansionOf finds what an aggregate was expanded of, nil if it was not.
func (r *run) expansionOf(agg *plan.Aggregate) *expansion {
	x, ok := agg.Child.(*plan.Expand)
	if !ok {
		return nil
	}
	for _, c := range x.Columns {
		if e := r.expanded[c.ID]; e != nil {
			return e
		}
	}
	return nil
}

func uniqueKeys(agg *plan.Aggregate) []plan.Expr {
	var out []plan.Expr
	add := func(es []plan.Expr) {
		for _, e := range es {
			if keyIndex(out, e) < 0 {
				out = append(out, e)
			}
		}
	}
	add(agg.GroupBy)
	for _, s := range agg.Sets {
		add(s)
	}
	return out
}

func keyIndex(keys []plan.Expr, e plan.Expr) int {
	for i, k := range keys {
		if plan.Same(k, e) {
			return i
		}
	}
	return -1
}

// keyBit is key i's bit in a grouping id of n keys: the first key's is the highest.
func keyBit(i, n int) int64 { return 1 << (n - 1 - i) }

// setsOf lists the grouping ids: a bit is 1 for a key that is not in the set.
func setsOf(agg *plan.Aggregate, keys []plan.Expr) []int64 {
	n := len(keys)
	all := int64(1)<<n - 1
	var out []int64
	switch agg.Grouping {
	case plan.GroupRollup:
		for k := n; k >= 0; k-- {
			out = append(out, all>>k)
		}
	case plan.GroupCube:
		for id := int64(0); id <= all; id++ {
			out = append(out, id)
		}
	default:
		for _, s := range agg.Sets {
			id := all
			for _, e := range s {
				id &^= keyBit(keyIndex(keys, e), n)
			}
			out = append(out, id)
		}
	}
	return out
}

const groupingPosName = "_gen_grouping_pos"

// expand repeats rows. Sets that occur twice get a number each, so that their
// groups stay apart.
func (r *run) expand(child plan.Node, x *expansion, sets []int64) *plan.Expand {
	seen, dup := map[int64]bool{}, false
	for _, s := range sets {
		dup = dup || seen[s]
		seen[s] = true
	}
	e := &plan.Expand{Child: child}
	e.Columns = append(e.Columns, x.input...)
	e.Columns = append(e.Columns, x.cols...)
	e.Columns = append(e.Columns, x.gid)
	if dup {
		e.Columns = append(e.Columns, &plan.Column{Name: groupingPosName, ID: r.NextID(), Typ: types.Int})
	}
	for i, s := range sets {
		row := columnList(x.input)
		for k, key := range x.keys {
			if s&keyBit(k, len(x.keys)) != 0 {
				key = plan.LitNull(key.Type())
			}
			row = append(row, key)
		}
		row = append(row, plan.LitLong(s))
		if dup {
			row = append(row, plan.LitInt(int32(i)))
		}
		e.Projections = append(e.Projections, row)
	}
	return e
}

// overKeys expresses e by the expanded keys; arguments of aggregate functions
// stay over the input.
func (r *run) overKeys(e plan.Expr, x *expansion) (plan.Expr, error) {
	switch c := e.(type) {
	case *plan.Alias:
		child, err := r.overKeys(c.Child, x)
		if err != nil {
			return nil, err
		}
		return c.WithChildren([]plan.Expr{child}), nil
	case *plan.Agg:
		return c, nil
	case *plan.Window:
		return r.windowOverKeys(c, x)
	}
	if isGroupingCall(e) {
		return r.groupingBits(e.(*plan.Call), x)
	}
	if i := keyIndex(x.keys, e); i >= 0 {
		return x.cols[i], nil
	}
	return r.childrenOverKeys(e, x)
}

// windowOverKeys goes into the window function's arguments: what is an
// aggregate function there is one of the groups.
func (r *run) windowOverKeys(w *plan.Window, x *expansion) (plan.Expr, error) {
	f, err := r.childrenOverKeys(w.Func, x)
	if err != nil {
		return nil, err
	}
	cs := w.Children()
	cs[0] = f
	for i := range cs[1:] {
		if cs[i+1], err = r.overKeys(cs[i+1], x); err != nil {
			return nil, err
		}
	}
	return w.WithChildren(cs), nil
}

func (r *run) childrenOverKeys(e plan.Expr, x *expansion) (plan.Expr, error) {
	cs := e.Children()
	if len(cs) == 0 {
		return e, nil
	}
	out := make([]plan.Expr, len(cs))
	for i, c := range cs {
		var err error
		if out[i], err = r.overKeys(c, x); err != nil {
			return nil, err
		}
	}
	return r.renull(e.WithChildren(out)), nil
}

// renull computes a call's nullability anew after its arguments changed theirs.
func (r *run) renull(e plan.Expr) plan.Expr {
	c, ok := e.(*plan.Call)
	if !ok || c.Null {
		return e
	}
	ent := r.Registry.Lookup(c.Name)
	if ent == nil || ent.Type == nil {
		return e
	}
	t, err := ent.Type(r.Env, c.Args)
	if err != nil || !t.Nullable {
		return e
	}
	d := *c
	d.Null = true
	return &d
}

// groupingBits computes grouping(key) and grouping_id(keys) of the grouping id.
func (r *run) groupingBits(c *plan.Call, x *expansion) (plan.Expr, error) {
	args := c.Args
	n := len(x.keys)
	if c.Name == groupingID && (len(args) == 0 || sameKeys(args, x.keys)) {
		return x.gid, nil
	}
	var out plan.Expr
	for i, a := range args {
		k := keyIndex(x.keys, a)
		if k < 0 {
			if c.Name == groupingID {
				return nil, errs.Cond(errs.Analysis, "GROUPING_ID_COLUMN_MISMATCH", "42803",
					"The columns of grouping_id do not match the grouping columns.", "groupingIdColumn", plan.SQLName(a), "groupByColumns", names(x.keys))
			}
			return nil, errs.Cond(errs.Analysis, "GROUPING_COLUMN_MISMATCH", "42803",
				"The column of grouping, "+plan.SQLName(a)+", is not among the grouping columns.", "grouping", plan.SQLName(a), "groupingColumns", names(x.keys))
		}
		bit := r.bit(x.gid, n-1-k)
		if c.Name != groupingID {
			return &plan.Cast{Child: bit, To: types.Byte, Mode: plan.CastLegacy, Implicit: true}, nil
		}
		if shift := len(args) - 1 - i; shift > 0 {
			bit = &plan.Call{Name: "shiftleft", Args: []plan.Expr{bit, plan.LitInt(int32(shift))}, Typ: types.Long}
		}
		if out == nil {
			out = bit
		} else {
			out = &plan.Call{Name: "|", Args: []plan.Expr{out, bit}, Typ: types.Long}
		}
	}
	return out, nil
}

func sameKeys(a, b []plan.Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !plan.Same(a[i], b[i]) {
			return false
		}
	}
	return true
}

func names(es []plan.Expr) string {
	var s strings.Builder
	for i, e := range es {
		if i > 0 {
			s.WriteString(",")
		}
		s.WriteString(plan.SQLName(e))
	}
	return s.String()
}

// bit is bit n of a long column.
func (r *run) bit(c plan.Expr, n int) plan.Expr {
	e := c
	if n > 0 {
		e = &plan.Call{Name: "shiftright", Args: []plan.Expr{c, plan.LitInt(int32(n))}, Typ: types.Long}
	}
	return &plan.Call{Name: "&", Args: []plan.Expr{e, plan.LitLong(1)}, Typ: types.Long}
}
