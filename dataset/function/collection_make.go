package function

import (
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// newArray is array(values...).
func newArray(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		child := out.Children[0]
		for i := range n {
			for _, a := range args {
				child.AppendRange(a, i, 1)
			}
			out.Offsets = append(out.Offsets, int32(child.Len()))
		}
		return nil
	}, nil
}

// arrayRule types array: the elements' common type.
func arrayRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := SameTypeArgs("array", nil)(env, args)
	t.Result, t.Nullable = types.Array(t.Result, t.Nullable), false
	return t, err
}

// newNamedStruct is named_struct(name, value, ...).
func newNamedStruct(step int) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			for k, c := range out.Children {
				c.Reset(0)
				c.AppendRange(args[k*step+step-1], 0, n)
			}
			return nil
		}, nil
	}
}

func namedStructRule(_ *Env, args []plan.Expr) (Typing, error) {
	if len(args)%2 != 0 {
		return Typing{}, WrongArgs("named_struct", "2n (n > 0)", len(args))
	}
	var fields []types.Field
	for i := 0; i < len(args); i += 2 {
		name, null, ok := constText(args[i])
		if !ok || null {
			return Typing{}, mismatch("CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", "only constant strings may stand at odd positions.", "inputExprs", "["+quoted(plan.SQLName(args[i]))+"]")
		}
		fields = append(fields, types.Field{Name: string(name), Type: args[i+1].Type(), Nullable: args[i+1].Nullable()})
	}
	return Typing{Args: TypesOf(args), Result: types.Struct(fields...)}, nil
}

// structRule types struct(values...), whose fields are col1, col2, ... unless the arguments have names.
func structRule(_ *Env, args []plan.Expr) (Typing, error) {
	fields := make([]types.Field, len(args))
	for i, a := range args {
		fields[i] = types.Field{Name: fmt.Sprintf("col%d", i+1), Type: a.Type(), Nullable: a.Nullable()}
		if c, ok := a.(*plan.Column); ok {
			fields[i].Name = c.Name
		}
	}
	return Typing{Args: TypesOf(args), Result: types.Struct(fields...)}, nil
}

// mapRule types map(key, value, ...).
func mapRule(env *Env, args []plan.Expr) (Typing, error) {
	if len(args)%2 != 0 {
		return Typing{}, WrongArgs("map", "2n (n > 0)", len(args))
	}
	var side [2][]plan.Expr
	for i, a := range args {
		side[i%2] = append(side[i%2], a)
	}
	var common [2]types.Type
	for k, sub := range [2]string{"CREATE_MAP_KEY_DIFF_TYPES", "CREATE_MAP_VALUE_DIFF_TYPES"} {
		t, ok := CommonTypeOf(env.Ansi, TypesOf(side[k]))
		if !ok {
			return Typing{}, mismatch(sub, "the keys, and the values, must each be of one type.", "functionName", "`map`", "dataType", "")
		}
		common[k] = t
	}
	if hasMap(common[0]) {
		return Typing{}, mismatch("INVALID_MAP_KEY_TYPE", "a map's key must not hold a map.", "keyType", quoted(common[0].SQL()))
	}
	ts := make([]types.Type, len(args))
	null := false
	for i, a := range args {
		ts[i] = common[i%2]
		null = null || i%2 == 1 && (a.Nullable() || mayNull(a.Type(), ts[i]))
	}
	return Typing{Args: ts, Result: types.Map(common[0], common[1], null)}, nil
}

// mapMaker checks the keys of map rows under construction.
type mapMaker struct {
	lastWins bool
	table    rowTable
	rows     []int32
	keep     []int32
}

// mapDedupConf is the setting that makes later entries replace earlier ones.
const mapDedupConf = "spark.sql.mapKeyDedupPolicy"

func newMapMaker(env *Env) *mapMaker {
	return &mapMaker{lastWins: strings.EqualFold(env.Conf[mapDedupConf], "LAST_WIN")}
}

// finish ends a row whose keys and values begin at lo of out's children.
func (m *mapMaker) finish(out *batch.Vector, lo int) error {
	keys := out.Children[0]
	n := keys.Len() - lo
	m.rows = m.rows[:0]
	for r := lo; r < lo+n; r++ {
		if !keys.Valid(r) {
			return errNullKey()
		}
		m.rows = append(m.rows, int32(r))
	}
	if n > 1 {
		m.table.reset(n)
		m.keep = m.keep[:0]
		dup := false
		for _, r := range m.rows {
			first := m.table.insert(keys, r)
			if first < 0 {
				m.keep = append(m.keep, r)
				continue
			}
			if !m.lastWins {
				return errDuplicateKey(fmt.Sprint(keys.Get(int(r))))
			}
			dup = true
		}
		if dup {
			m.replace(out, lo)
		}
	}
	out.Offsets = append(out.Offsets, int32(keys.Len()))
	return nil
}

// replace rewrites the row with the first place and the last value of each key.
func (m *mapMaker) replace(out *batch.Vector, lo int) {
	keys, vals := out.Children[0], out.Children[1]
	last := append([]int32(nil), m.keep...)
	for k, first := range m.keep {
		for _, r := range m.rows {
			if equalRows(keys, int(first), keys, int(r)) {
				last[k] = r
			}
		}
	}
	for c, rows := range map[*batch.Vector][]int32{keys: m.keep, vals: last} {
		tmp := batch.New(c.Type, 0)
		tmp.AppendRange(c, 0, lo)
		tmp.AppendGather(c, rows)
		c.Alias(tmp)
	}
}

// newMap is map(key, value, ...).
func newMap(env *Env, _ *plan.Call) (Kernel, error) {
	m := newMapMaker(env)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		for i := range n {
			lo := out.Children[0].Len()
			for k, a := range args {
				out.Children[k%2].AppendRange(a, i, 1)
			}
			if err := m.finish(out, lo); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// mapRows is the kernel of functions that make maps: f appends a row's entries.
func mapRows(f func(c *cells, keys, vals *batch.Vector) error) maker {
	return func(env *Env, _ *plan.Call) (Kernel, error) {
		m, c := newMapMaker(env), &cells{}
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			c.load(args, out)
			for i := range n {
				c.i = i
				lo := out.Children[0].Len()
				if !out.Valid(i) {
					out.Offsets = append(out.Offsets, int32(lo))
					continue
				}
				if err := f(c, out.Children[0], out.Children[1]); err != nil {
					return err
				}
				if err := m.finish(out, lo); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
}

// list is the range of argument k's elements in this row.
func (c *cells) list(k int) (lo, hi int) {
	v, at := c.vector(k), c.slot(k)
	return int(v.Offsets[at]), int(v.Offsets[at+1])
}

// mapFromArrays is map_from_arrays(keys, values).
func mapFromArrays(c *cells, keys, vals *batch.Vector) error {
	lo, hi := c.list(0)
	from, to := c.list(1)
	if hi-lo != to-from {
		return errParam("LENGTH", "map_from_arrays", "values", "keys and values differ in number.", "length", "")
	}
	keys.AppendRange(c.vector(0).Children[0], lo, hi-lo)
	vals.AppendRange(c.vector(1).Children[0], from, to-from)
	return nil
}

// mapFromEntries is map_from_entries(array of structs); a null entry makes the map null.
func mapFromEntries(c *cells, keys, vals *batch.Vector) error {
	lo, hi := c.list(0)
	entries := c.vector(0).Children[0]
	for r := lo; r < hi; r++ {
		if !entries.Valid(r) {
			c.setNull()
			return nil
		}
	}
	keys.AppendRange(entries.Children[0], lo, hi-lo)
	vals.AppendRange(entries.Children[1], lo, hi-lo)
	return nil
}

// mapConcat is map_concat(maps...).
func mapConcat(c *cells, keys, vals *batch.Vector) error {
	for k := range c.args {
		lo, hi := c.list(k)
		keys.AppendRange(c.vector(k).Children[0], lo, hi-lo)
		vals.AppendRange(c.vector(k).Children[1], lo, hi-lo)
	}
	return nil
}
