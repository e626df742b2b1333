package kernel

import (
	"math"
	"unsafe"
)

// Draw is a set of negative rows drawn from an alias table: Slots slots of 8 bytes, the lower half the threshold below which the
// slot's own row is meant and the upper half the other row. Place k of the set takes number k+1 of splitmix64 after State, which
// goes on by eight numbers for each set, so that eight lanes can draw at once. Place 0 is left for the positive row; its content
// and that of places 6 and 7 is arbitrary.
type Draw struct {
	Table  *uint64
	Slots  uint64
	State  uint64
	Stride uint64
}

const (
	drawGolden = 0x9e3779b97f4a7c15
	drawFirst  = 0xbf58476d1ce4e5b9
	drawSecond = 0x94d049bb133111eb
)

func drawPortable(d *Draw, set *[8]int64) {
	table := unsafe.Slice(d.Table, d.Slots)
	for k := 1; k < Lanes; k++ {
		z := d.State + uint64(k+1)*drawGolden
		z = (z ^ z>>30) * drawFirst
		z = (z ^ z>>27) * drawSecond
		z ^= z >> 31
		i := (z >> 32) * d.Slots >> 32
		slot := table[i]
		other := slot >> 32
		own := uint64((int64(uint32(z)) - int64(uint32(slot))) >> 63)
		set[k] = int64((other ^ (other^i)&own) * d.Stride)
	}
	d.State += 8 * drawGolden & math.MaxUint64
}
