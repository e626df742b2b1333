package sparkconnect

import (
	"fmt"
	"strconv"
	"strings"
)

// responseID names a response of an operation, so that it means the same to
// another server that runs the operation again. Clients treat the text as opaque.
type responseID struct {
	Operation string
	// Number counts what makes up the result; Progress counts the messages in
	// between, which another server may send at other times.
	Number, Progress int
	// Partition and Block are the place in the engine's held outputs that the
	// result is at.
	Partition, Block int
	// Digest is over all rows up to here. Outputs that were made again are the
	// same result only if it is the same; 0 where no other server could ask.
	Digest uint32
}

func (r responseID) String() string {
	return fmt.Sprintf("%s.%d.%d.%d.%d.%d", r.Operation, r.Number, r.Progress, r.Partition, r.Block, r.Digest)
}

// after tells whether r comes after other.
func (r responseID) after(other responseID) bool {
	return r.Number > other.Number || r.Number == other.Number && r.Progress > other.Progress
}

// same tells whether two ids stand for the same rows up to the same place.
func (r responseID) same(other responseID) bool {
	r.Progress = other.Progress
	return r == other
}

// parseResponseID reads what String wrote.
func parseResponseID(s string) (responseID, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 6 {
		return responseID{}, false
	}
	var n [5]int
	for i := range n {
		v, err := strconv.ParseUint(parts[i+1], 10, 32)
		if err != nil {
			return responseID{}, false
		}
		n[i] = int(v)
	}
	return responseID{Operation: parts[0], Number: n[0], Progress: n[1], Partition: n[2], Block: n[3], Digest: uint32(n[4])}, true
}

// positioned is what a Result may tell of the place of its last batch.
type positioned interface{ Position() (partition, block int) }
