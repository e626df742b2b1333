package function

import (
	"strconv"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// errArrayIndex is the error of an index outside an array; class and the
// tolerant function differ between array[i] and element_at.
func errArrayIndex(i, size int, class, try string) error {
	at, n := strconv.Itoa(i), strconv.Itoa(size)
	return errs.Cond(errs.ArrayIndex, class, "22003",
		"The index "+at+" is out of bounds: the array has "+n+" elements. Use "+try+" to get null instead.",
		"indexValue", at, "arraySize", n, "ansiConfig", ansiConf)
}

func errIndexOfZero() error {
	return errs.Cond(errs.Runtime, "INVALID_INDEX_OF_ZERO", "22003", "The index 0 is invalid: positions count from 1, or from the end if negative.")
}

func errDuplicateKey(key string) error {
	return errs.Cond(errs.Runtime, "DUPLICATED_MAP_KEY", "23505", "The map has the key "+key+" twice.",
		"key", key, "mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"")
}

func errNullKey() error {
	return errs.Cond(errs.Runtime, "NULL_MAP_KEY", "2200E", "A map cannot have null as a key.")
}

// errParam is INVALID_PARAMETER_VALUE of a function's parameter.
func errParam(sub, fn, param, message string, kv ...string) error {
	kv = append(kv, "parameter", types.Quote(param), "functionName", types.Quote(fn))
	return errs.Cond(errs.Runtime, "INVALID_PARAMETER_VALUE."+sub, "22023", "In "+fn+", "+param+" is invalid: "+message, kv...)
}
