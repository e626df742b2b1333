package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// itemMode is a way to take an element.
type itemMode uint8

const (
	itemZero itemMode = iota // array[i] and map[key]: from 0, errors under ANSI
	itemGet                  // get: from 0, null outside
	itemOne                  // element_at: from 1, from the end if negative
	itemTry                  // try_element_at
)

// itemRule types element access: by a number in arrays, by a key in maps.
func itemRule(mode itemMode) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t := args[0].Type()
		want := WantInt
		switch {
		case t.Kind == types.KindMap && mode != itemGet:
			want = Exactly(*t.Key)
		case t.Kind == types.KindArray && mode == itemZero:
			want = WantIntegral
		case t.Kind != types.KindArray:
			return Typing{}, UnexpectedType(args, 0, map[bool]string{true: "ARRAY", false: "ARRAY\" or \"MAP"}[mode == itemGet])
		}
		to, ok := want.Coerce(env.Ansi, args[1].Type())
		if !ok {
			return Typing{}, UnexpectedType(args, 1, want.Name)
		}
		if t.Kind == types.KindArray {
			to = types.Int
		}
		ts := []types.Type{t, to}
		return Typing{Args: ts, Result: *t.Elem, Nullable: AnyNullable(args) || itemMayNull(args, mode)}, nil
	}
}

// itemMayNull is false for a constant position inside an array that is written out.
func itemMayNull(args []plan.Expr, mode itemMode) bool {
	c, ok := args[0].(*plan.Call)
	i, isConst := constLong(args[1])
	if !ok || c.Name != "array" || !isConst {
		return true
	}
	if one := mode == itemOne || mode == itemTry; one && i > 0 {
		i--
	} else if one {
		i += int64(len(c.Args))
	}
	return i < 0 || i >= int64(len(c.Args)) || c.Args[i].Nullable()
}

// newItem takes elements by gathering rows of the children.
func newItem(mode itemMode) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		isMap := call.Args[0].Type().Kind == types.KindMap
		ansi := call.Ansi && mode != itemTry && mode != itemGet
		c := &cells{}
		var idx []int32
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			c.load(args, out)
			idx = grown(idx[:0], n)
			for i := range n {
				c.i = i
				idx[i] = -1
				if c.null(0) || c.null(1) {
					continue
				}
				var err error
				if isMap {
					idx[i] = findKey(c)
				} else if idx[i], err = position(c, mode, ansi); err != nil {
					return err
				}
			}
			out.Gather(args[0].Children[len(args[0].Children)-1], idx)
			return nil
		}, nil
	}
}

// findKey is the row of the value under the key in argument 1, -1 if there is none.
func findKey(c *cells) int32 {
	keys := c.vector(0).Children[0]
	lo, hi := c.list(0)
	for r := lo; r < hi; r++ {
		if equalRows(keys, r, c.vector(1), c.slot(1)) {
			return int32(r)
		}
	}
	return -1
}

// position is the row of the element at argument 1, -1 for null.
func position(c *cells, mode itemMode, ansi bool) (int32, error) {
	lo, hi := c.list(0)
	i := c.int(1)
	at := i
	if mode == itemOne || mode == itemTry {
		switch {
		case i == 0:
			return -1, errIndexOfZero()
		case i > 0:
			at = i - 1
		default:
			at = hi - lo + i
		}
	}
	if at < 0 || at >= hi-lo {
		switch {
		case ansi && mode == itemOne:
			return -1, errArrayIndex(i, hi-lo, "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "try_element_at")
		case ansi:
			return -1, errArrayIndex(i, hi-lo, "INVALID_ARRAY_INDEX", "get")
		}
		return -1, nil
	}
	return int32(lo + at), nil
}
