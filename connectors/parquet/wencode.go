package parquet

import "encoding/binary"

// appendHybrid encodes values of width bits as run-length and bit-packed runs:
// a repeat of 8 or more is worth a run of its own.
func appendHybrid[T uint8 | int32](dst []byte, vals []T, width uint) []byte {
	start := 0 // of values that wait to be packed, whole groups of 8 until now
	for i := 0; i < len(vals); {
		n := 1
		for i+n < len(vals) && vals[i+n] == vals[i] {
			n++
		}
		// Packed runs hold whole groups: the repeat fills up the last one first.
		fill := (8 - (i-start)&7) & 7
		if n-fill < 8 {
			i += n
			continue
		}
		dst = appendPacked(dst, vals[start:i+fill], width)
		n -= fill
		i += fill
		dst = binary.AppendUvarint(dst, uint64(n)<<1)
		for k := uint(0); k < width; k += 8 {
			dst = append(dst, byte(uint64(vals[i])>>k))
		}
		i += n
		start = i
	}
	return appendPacked(dst, vals[start:], width)
}

// appendPacked writes one bit-packed run, padded with zeros to a whole group.
func appendPacked[T uint8 | int32](dst []byte, vals []T, width uint) []byte {
	if len(vals) == 0 {
		return dst
	}
	groups := (len(vals) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	end := len(dst) + groups*int(width)
	var acc uint64
	have := uint(0)
	for _, v := range vals {
		acc |= uint64(v) << have
		for have += width; have >= 8; have -= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
		}
	}
	if have > 0 {
		dst = append(dst, byte(acc))
	}
	for len(dst) < end {
		dst = append(dst, 0)
	}
	return dst
}

// appendLevels writes levels with their length before, as data pages of version 1 do.
func appendLevels(dst []byte, levels []uint8, highest int) []byte {
	if highest == 0 {
		return dst
	}
	at := len(dst)
	dst = appendHybrid(append(dst, 0, 0, 0, 0), levels, bitWidth(highest))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
