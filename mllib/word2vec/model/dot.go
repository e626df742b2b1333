package model

// dots writes the scalar product of q with each row of rows, which are as long as q, to dst.
func dots(dst, rows, q []float32) {
	if len(rows) < len(dst)*len(q) {
		panic("model: fewer rows than results")
	}
	if len(dst) == 0 || len(q) == 0 {
		clear(dst)
		return
	}
	dotsBest(dst, rows, q)
}

func dotsPortable(dst, rows, q []float32) {
	for i := range dst {
		row := rows[i*len(q):]
		row = row[:len(q)]
		var a, b, c, d float32
		k := 0
		for ; k+4 <= len(q); k += 4 {
			x, y := row[k:k+4:k+4], q[k:k+4:k+4]
			a += x[0] * y[0]
			b += x[1] * y[1]
			c += x[2] * y[2]
			d += x[3] * y[3]
		}
		for ; k < len(q); k++ {
			a += row[k] * q[k]
		}
		dst[i] = (a + b) + (c + d)
	}
}
