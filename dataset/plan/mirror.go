package plan

// Mirrored returns the comparison that holds for (b, a) when op holds for (a, b). Operators without a side stay themselves.
func Mirrored(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}
