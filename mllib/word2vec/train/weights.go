package train

// Weights is the state of a training: one input row per word (its vector) and one output row per word (negative sampling) or
// per inner node of the Huffman tree (hierarchical softmax). A row takes Stride components, of which the first Dim count and
// the others are zero. Exactly one of the pairs In/Out and In16/Out16 (bfloat16) is used.
type Weights struct {
	Words, OutRows int
	Dim, Stride    int
	In, Out        []float32
	In16, Out16    []uint16
}

// Row copies the vector of word id into dst, which holds Dim components.
func (w *Weights) Row(id int, dst []float32) {
	if w.In16 != nil {
		row := w.In16[id*w.Stride:]
		for i := range dst[:w.Dim] {
			dst[i] = widen(row[i])
		}
		return
	}
	copy(dst[:w.Dim], w.In[id*w.Stride:])
}
