package function

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

const miscGroup = "misc_funcs"

// miscs are the functions of the session, the task and errors.
func miscs() []*Entry {
	text := func(name string, f func(env *Env) string, usage string, aliases ...string) fnSpec {
		return fnSpec{name, 0, 0, NeverNull(Fixed(types.String)), constKernel(func(env *Env) any { return f(env) }), doc{usage, "SELECT " + name + "()", ""}, named(aliases...)}
	}
	volatile := fnMore{volatile: true}
	long := NeverNull(Fixed(types.Long))
	minusOne := constKernel(func(*Env) any { return int64(-1) })
	return fnEntries(
		miscGroup,
		text("current_user", func(env *Env) string { return env.User }, "The session's user.", "user", "session_user"),
		text("current_catalog", func(env *Env) string { return env.Catalog }, "The current catalog."),
		text("current_database", func(env *Env) string { return env.Database }, "The current database.", "current_schema"),
		text("version", func(env *Env) string { return env.Version }, "The version of the server."),
		fnSpec{"input_file_name", 0, 0, NeverNull(Fixed(types.String)), constKernel(func(*Env) any { return "" }), doc{"Name of the file that the row comes from, empty if unknown.", "SELECT input_file_name()", ""}, volatile},
		fnSpec{"input_file_block_start", 0, 0, long, minusOne, doc{"Start of the file block that the row comes from, -1 if unknown.", "SELECT input_file_block_start()", "-1"}, volatile},
		fnSpec{"input_file_block_length", 0, 0, long, minusOne, doc{"Length of the file block that the row comes from, -1 if unknown.", "SELECT input_file_block_length()", "-1"}, volatile},
		fnSpec{"spark_partition_id", 0, 0, NeverNull(Fixed(types.Int)), constKernel(func(env *Env) any { return int32(env.Partition) }), doc{"Number of the partition.", "SELECT spark_partition_id()", "0"}, volatile},
		fnSpec{"monotonically_increasing_id", 0, 0, long, newIncreasing, doc{"Increasing numbers, unique over all partitions.", "SELECT monotonically_increasing_id()", "0"}, volatile},
		fnSpec{"uuid", 0, 1, NeverNull(Fixed(types.String, WantLong)), newUUID, doc{"A random UUID.", "SELECT uuid()", ""}, volatile},
		fnSpec{"typeof", 1, 1, NeverNull(Fixed(types.String, WantAny)), newTypeof, doc{"Name of the argument's type.", "SELECT typeof(1)", "int"}, withNulls()},
		fnSpec{"raise_error", 1, 2, MayNull(Fixed(types.Null, WantString, WantAny)), newRaise, doc{"Fails with a message.", "SELECT raise_error('custom error message')", ""}, fnMore{nulls: true, volatile: true}},
		fnSpec{"assert_true", 1, 2, MayNull(Fixed(types.Null, WantBool, WantString)), newAssert, doc{"Null, or an error if the condition is not true.", "SELECT assert_true(0 < 1)", "NULL"}, fnMore{nulls: true, volatile: true}},
		fnSpec{"bitmap_bit_position", 1, 1, Fixed(types.Long, WantLong), rows(func(c *cells) error { c.setLong(bitmapPosition(c.long(0))); return nil }), doc{"Place of a number within its bitmap.", "SELECT bitmap_bit_position(123)", "122"}, fnMore{}},
		fnSpec{"bitmap_bucket_number", 1, 1, Fixed(types.Long, WantLong), rows(func(c *cells) error { c.setLong(bitmapBucket(c.long(0))); return nil }), doc{"Number of a number's bitmap.", "SELECT bitmap_bucket_number(123)", "1"}, fnMore{}},
		fnSpec{"bitmap_count", 1, 1, Fixed(types.Long, WantBinary), rows(func(c *cells) error { c.setLong(bitmapCount(c.str(0))); return nil }), doc{"Number of bits set.", "SELECT bitmap_count(X '1010')", "2"}, fnMore{}},
	)
}

// rowsPerPartition is the space of numbers that each partition has.
const rowsPerPartition = 33

func newIncreasing(env *Env, _ *plan.Call) (Kernel, error) {
	next := int64(env.Partition) << rowsPerPartition
	return func(_ []*batch.Vector, n int, out *batch.Vector) error {
		dst := batch.Values[int64](out)
		for i := range n {
			dst[i] = next
			next++
		}
		return nil
	}, nil
}

func newUUID(env *Env, call *plan.Call) (Kernel, error) {
	var x *xorShift
	if len(call.Args) > 0 {
		seed, _ := constLong(call.Args[0])
		x = newXorShift(seed + int64(env.Partition))
	}
	return func(_ []*batch.Vector, n int, out *batch.Vector) error {
		for i := range n {
			var b [16]byte
			if x == nil {
				_, _ = rand.Read(b[:]) // never fails
			} else {
				for k := range b {
					b[k] = byte(x.bits(8))
				}
			}
			out.SetString(i, uuidText(b))
		}
		return nil
	}, nil
}

// uuidText prints random bits as a version 4 UUID.
func uuidText(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func newTypeof(env *Env, call *plan.Call) (Kernel, error) {
	name := call.Args[0].Type().String()
	return constKernel(func(*Env) any { return name })(env, call)
}

func newRaise(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		if n == 0 {
			return nil
		}
		if !args[0].Valid(0) {
			return errUser("null")
		}
		return errUser(string(args[0].Str(0)))
	}, nil
}

func newAssert(_ *Env, call *plan.Call) (Kernel, error) {
	text := "'" + plan.SQLName(call.Args[0]) + "' is not true!"
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		ok := SlotsOf[bool](args[0])
		for i := range n {
			if args[0].Valid(i) && ok.At(i) {
				continue
			}
			if len(args) > 1 && args[1].Valid(i) {
				return errUser(string(args[1].Str(i)))
			}
			return errUser(text)
		}
		return nil
	}, nil
}

// bitmapBits is the number of bits in one bitmap of the bitmap_ functions.
const bitmapBits = 8 * 4096

func bitmapPosition(x int64) int64 {
	if x > 0 {
		return (x - 1) % bitmapBits
	}
	return -x % bitmapBits
}

func bitmapBucket(x int64) int64 {
	if x > 0 {
		return 1 + (x-1)/bitmapBits
	}
	return x / bitmapBits
}

func bitmapCount(s []byte) int64 {
	n := int64(0)
	for _, b := range s {
		for ; b != 0; b &= b - 1 {
			n++
		}
	}
	return n
}
