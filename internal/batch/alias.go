package batch

// AliasMasked makes v show the values of src, which is not constant, with
// another validity. The bitmap is borrowed like src; nil = all valid.
func (v *Vector) AliasMasked(src *Vector, valid []uint64) {
	v.Alias(src)
	v.valid = valid
}

// Repeat makes v show the constant src over n rows.
func (v *Vector) Repeat(src *Vector, n int) {
	v.Alias(src)
	v.Enc, v.n = Const, n
}

// SetFlat turns a constant v into its n = 1 slot as a flat vector.
func (v *Vector) SetFlat(n int) { v.Enc, v.n = Flat, n }
