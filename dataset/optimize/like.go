package optimize

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// simplifyLike replaces patterns whose only wildcards are % at their ends by
// plain comparisons of bytes.
func (c Config) simplifyLike(e plan.Expr) plan.Expr {
	x, ok := call(e, "like")
	if !ok || len(x.Args) != 2 || !types.String.Equal(x.Args[0].Type()) {
		return e
	}
	lit, ok := x.Args[1].(*plan.Literal)
	if !ok {
		return e
	}
	p, ok := lit.Value.(string)
	if !ok || strings.ContainsAny(p, `_\`) {
		return e
	}
	text := strings.Trim(p, "%")
	if strings.Contains(text, "%") {
		return e
	}
	head, tail := strings.HasPrefix(p, "%"), strings.HasSuffix(p, "%")
	name := "="
	switch {
	case text == "": // of null it is null
		return e
	case head && tail:
		name = "contains"
	case head:
		name = "endswith"
	case tail:
		name = "startswith"
	}
	return compared(x, name, x.Args[0], plan.LitString(text))
}
