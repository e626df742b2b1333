package model

import (
	"encoding/binary"
	"math"
	"strconv"
)

// appendText writes the shortest decimal numbers that read back as the same float32.
func appendText(dst []byte, row []float32) []byte {
	for i, x := range row {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = strconv.AppendFloat(dst, float64(x), 'g', -1, 32)
	}
	return append(dst, '\n')
}

// appendBinary writes little-endian float32 and the line end that the original word2vec writes; all readers skip it.
func appendBinary(dst []byte, row []float32) []byte {
	for _, x := range row {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(x))
	}
	return append(dst, '\n')
}

func decodeBinary(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}
