package physical

import "github.com/spurwheel/spurwheel/internal/types"

// WithStates says that a grouping can be done in two steps.
func WithStates(n *Aggregate, states [][]types.Type) *Aggregate {
	n.states = states
	return n
}
