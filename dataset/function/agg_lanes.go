package function

import "github.com/spurwheel/spurwheel/internal/batch"

// fewGroups is up to how many groups a batch is summed through lanes. More
// would spend on clearing and folding what is saved.
const fewGroups = 64

// lanes are a batch's partial sums of few groups, four for each: consecutive
// rows of one group would otherwise wait for each other's store.
type lanes [4 * fewGroups]int64

// smallSum is what a value's magnitude must stay below for a batch's partial
// sums to be exact.
const smallSum = 1 << 50

// add adds vals to their groups, all below fewGroups.
func (p *lanes) add(groups []int32, vals []int64) {
	groups = groups[:len(vals)]
	i := 0
	for ; i+4 <= len(vals); i += 4 {
		g, x := groups[i:i+4:i+4], vals[i:i+4:i+4]
		p[g[0]&(fewGroups-1)<<2] += x[0]
		p[g[1]&(fewGroups-1)<<2|1] += x[1]
		p[g[2]&(fewGroups-1)<<2|2] += x[2]
		p[g[3]&(fewGroups-1)<<2|3] += x[3]
	}
	for ; i < len(vals); i++ {
		p[groups[i]&(fewGroups-1)<<2] += vals[i]
	}
}

// count adds 1 to each row's group, all below fewGroups.
func (p *lanes) count(groups []int32) {
	i := 0
	for ; i+4 <= len(groups); i += 4 {
		g := groups[i : i+4 : i+4]
		p[g[0]&(fewGroups-1)<<2]++
		p[g[1]&(fewGroups-1)<<2|1]++
		p[g[2]&(fewGroups-1)<<2|2]++
		p[g[3]&(fewGroups-1)<<2|3]++
	}
	for ; i < len(groups); i++ {
		p[groups[i]&(fewGroups-1)<<2]++
	}
}

// of is group g's partial sum.
func (p *lanes) of(g int) int64 { return p[g<<2] + p[g<<2|1] + p[g<<2|2] + p[g<<2|3] }

// longsOf copies 128-bit values to dst and tells whether all of them are in
// 64 bits; small, whether their magnitudes stay below smallSum, too.
func longsOf(dst []int64, vals []batch.Int128) (long, small bool) {
	var high, low uint64
	dst = dst[:len(vals)]
	for i := range vals {
		x, sign := int64(vals[i].Lo), int64(vals[i].Lo)>>63
		high |= uint64(vals[i].Hi ^ sign)
		low |= uint64(x ^ sign)
		dst[i] = x
	}
	return high == 0, high == 0 && low < smallSum
}
