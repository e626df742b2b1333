package sparkconnect

import (
	"fmt"
	"strconv"
	"strings"
)

// responseID names a response of an operation: the place in the engine's held
// outputs that it ends at, from which another gateway can go on, and its
// number, which orders the ids. Clients treat the text as opaque.
type responseID struct {
	Operation        string
	Partition, Block int
	Index            int
}

func (r responseID) String() string {
	return fmt.Sprintf("%s.%d.%d.%d", r.Operation, r.Partition, r.Block, r.Index)
}

// parseResponseID reads what String wrote.
func parseResponseID(s string) (responseID, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return responseID{}, false
	}
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(parts[i+1])
		if err != nil || v < 0 {
			return responseID{}, false
		}
		n[i] = v
	}
	return responseID{Operation: parts[0], Partition: n[0], Block: n[1], Index: n[2]}, true
}

// positioned is what a Result may tell of the place of its last batch.
type positioned interface{ Position() (partition, block int) }
