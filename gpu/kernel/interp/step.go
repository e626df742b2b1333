package interp

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// step carries out an instruction of one lane.
func (w *warp) step(in *instruction, lane int) error {
	switch in.op {
	case "ld", "st", "red", "atom":
		return w.access(in, lane)
	case "prefetch":
		return nil
	case "setp":
		return w.compare(in, lane)
	case "cvt":
		return w.convert(in, lane)
	case "mov", "cvta":
		return w.move(in, lane)
	case "upper":
		w.set(in.args[0], lane, w.value(in.args[1], lane)>>32)
		return nil
	case "selp":
		from := in.args[2]
		if w.value(in.args[3], lane) != 0 {
			from = in.args[1]
		}
		w.set(in.args[0], lane, w.value(from, lane))
		return nil
	}
	if in.kind == "f32" {
		return w.float32s(in, lane)
	}
	return w.integers(in, lane)
}

func (w *warp) move(in *instruction, lane int) error {
	if len(in.args) != 2 {
		return fmt.Errorf("%d operands", len(in.args))
	}
	w.set(in.args[0], lane, truncate(w.value(in.args[1], lane), in.wide))
	return nil
}

// truncate keeps what fits into a register.
func truncate(v uint64, wide bool) uint64 {
	if wide {
		return v
	}
	return v & math.MaxUint32
}

func (w *warp) float32s(in *instruction, lane int) error {
	x := w.float(in.args[1], lane)
	y, z := float32(0), float32(0)
	if len(in.args) > 2 {
		y = w.float(in.args[2], lane)
	}
	if len(in.args) > 3 {
		z = w.float(in.args[3], lane)
	}
	var r float32
	switch in.op {
	case "add":
		r = x + y
	case "sub":
		r = x - y
	case "mul":
		r = x * y
	case "fma":
		r = float32(math.FMA(float64(x), float64(y), float64(z))) // rounded twice, by half a unit of the last place at most
	case "neg":
		r = -x
	case "max":
		r = max(x, y)
	case "min":
		r = min(x, y)
	case "ex2":
		r = float32(math.Exp2(float64(x)))
	case "lg2":
		r = float32(math.Log2(float64(x)))
	case "rcp":
		r = 1 / x
	default:
		return fmt.Errorf("unknown instruction")
	}
	w.setFloat(in.args[0], lane, r)
	return nil
}

func (w *warp) integers(in *instruction, lane int) error {
	v := make([]uint64, 0, 3)
	for _, a := range in.args[1:] {
		v = append(v, truncate(w.value(a, lane), in.wide))
	}
	if in.kind == "pred" {
		for i, a := range in.args[1:] {
			v[i] = w.value(a, lane) & 1
		}
	}
	r, known := integer(in, v)
	if !known {
		return fmt.Errorf("unknown instruction")
	}
	if in.op == "mul" && in.mods[0] == "wide" {
		w.set(in.args[0], lane, r)
		return nil
	}
	w.set(in.args[0], lane, truncate(r, in.wide))
	return nil
}

func integer(in *instruction, v []uint64) (r uint64, known bool) {
	switch in.op {
	case "add":
		return v[0] + v[1], true
	case "sub":
		return v[0] - v[1], true
	case "mul", "mad":
		return multiply(in, v)
	case "div":
		return v[0] / v[1], in.kind == "u32"
	case "rem":
		return v[0] % v[1], in.kind == "u32"
	case "and":
		return v[0] & v[1], true
	case "or":
		return v[0] | v[1], true
	case "xor":
		return v[0] ^ v[1], true
	case "not":
		if in.kind == "pred" {
			return v[0] ^ 1, true
		}
		return ^v[0], true
	case "neg":
		return -v[0], true
	case "shl":
		return v[0] << v[1], true
	case "shr":
		if in.kind == "s32" {
			return uint64(int32(v[0]) >> v[1]), true
		}
		return v[0] >> v[1], true
	case "min":
		return min(v[0], v[1]), in.kind == "u32"
	case "max":
		return max(v[0], v[1]), in.kind == "u32"
	case "popc":
		return uint64(bits.OnesCount64(v[0])), true
	case "clz":
		return uint64(bits.LeadingZeros32(uint32(v[0]))), !in.wide
	case "brev":
		return uint64(bits.Reverse32(uint32(v[0]))), !in.wide
	case "bfe":
		return v[0] >> v[1] & (1<<v[2] - 1), in.kind == "u32"
	case "bfind":
		return uint64(bits.Len32(uint32(v[0])) - 1), in.kind == "u32"
	}
	return 0, false
}

func multiply(in *instruction, v []uint64) (r uint64, known bool) {
	added := uint64(0)
	if in.op == "mad" {
		added = v[2]
	}
	switch {
	case in.mods[0] == "lo":
		return v[0]*v[1] + added, true
	case in.mods[0] == "wide" && in.kind == "u32":
		return v[0]*v[1] + added, true
	case in.mods[0] == "wide" && in.kind == "s32":
		return uint64(int64(int32(v[0])) * int64(int32(v[1]))), in.op == "mul"
	case in.mods[0] == "hi" && in.kind == "u32":
		return v[0]*v[1]>>32 + added, true
	}
	return 0, false
}

func (w *warp) compare(in *instruction, lane int) error {
	a, b := w.value(in.args[1], lane), w.value(in.args[2], lane)
	var less, equal, unordered bool
	switch in.kind {
	case "f32":
		x, y := w.float(in.args[1], lane), w.float(in.args[2], lane)
		less, equal, unordered = x < y, x == y, x != x || y != y
	case "s32":
		less, equal = int32(a) < int32(b), uint32(a) == uint32(b)
	case "s64":
		less, equal = int64(a) < int64(b), a == b
	case "u32", "b32":
		less, equal = uint32(a) < uint32(b), uint32(a) == uint32(b)
	case "u64", "b64":
		less, equal = a < b, a == b
	default:
		return fmt.Errorf("unknown type")
	}
	how := in.mods[0]
	if in.kind == "f32" && len(how) == 3 && how[2] == 'u' { // ltu, leu...: true of NaN
		how = how[:2]
	} else if unordered {
		w.set(in.args[0], lane, 0)
		return nil
	}
	var truth bool
	switch how {
	case "eq":
		truth = equal
	case "ne":
		truth = !equal
	case "lt":
		truth = less
	case "le":
		truth = less || equal
	case "gt":
		truth = !less && !equal
	case "ge":
		truth = !less
	default:
		return fmt.Errorf("unknown comparison")
	}
	if truth || unordered {
		w.set(in.args[0], lane, 1)
	} else {
		w.set(in.args[0], lane, 0)
	}
	return nil
}

func (w *warp) convert(in *instruction, lane int) error {
	from := w.value(in.args[1], lane)
	switch in.types {
	case "u64.u32", "u32.u64", "s64.u32":
		w.set(in.args[0], lane, from&math.MaxUint32)
	case "s64.s32":
		w.set(in.args[0], lane, uint64(int64(int32(from))))
	case "rn.f32.u32":
		w.setFloat(in.args[0], lane, float32(uint32(from)))
	case "rn.f32.u64":
		w.setFloat(in.args[0], lane, float32(from))
	default:
		return fmt.Errorf("unknown conversion")
	}
	return nil
}

// access is a load, a store or an addition in memory, of one element or of a vector.
func (w *warp) access(in *instruction, lane int) error {
	size, err := strconv.Atoi(in.kind[1:])
	if err != nil {
		return err
	}
	size /= 8
	count := 1
	for _, m := range in.mods {
		if m == "v2" || m == "v4" {
			count = int(m[1] - '0')
		}
	}
	place := slices.IndexFunc(in.args, func(a operand) bool { return a.kind == memory })
	if place < 0 {
		return fmt.Errorf("no address")
	}
	bytes, err := w.at(in.args[place], lane, size*count)
	if err != nil {
		return err
	}
	for i := range count {
		part := bytes[i*size : (i+1)*size]
		switch in.op {
		case "ld":
			w.set(in.args[i], lane, load(part))
		case "st":
			store(part, w.value(in.args[place+1+i], lane))
		default:
			old := load(part)
			if in.op == "atom" {
				w.set(in.args[0], lane, old)
			}
			store(part, added(old, w.value(in.args[place+1+i], lane), in.kind))
		}
	}
	return nil
}

func added(a, b uint64, kind string) uint64 {
	if kind == "f32" {
		return uint64(math.Float32bits(math.Float32frombits(uint32(a)) + math.Float32frombits(uint32(b))))
	}
	return a + b
}

func load(bytes []byte) uint64 {
	if len(bytes) == 8 {
		return binary.LittleEndian.Uint64(bytes)
	}
	return uint64(binary.LittleEndian.Uint32(bytes))
}

func store(bytes []byte, v uint64) {
	if len(bytes) == 8 {
		binary.LittleEndian.PutUint64(bytes, v)
		return
	}
	binary.LittleEndian.PutUint32(bytes, uint32(v))
}
