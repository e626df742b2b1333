package analyze

import (
	"errors"
	"strconv"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func itoa(n int) string { return strconv.Itoa(n) }

// hasClass tells whether err is the condition of a class.
func hasClass(err error, class string) bool {
	c, ok := errors.AsType[*errs.Condition](err)
	return ok && c.Class == class
}
