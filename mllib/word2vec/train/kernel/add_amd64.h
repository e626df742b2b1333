	// BX is the base, SI the offsets, R9 their number, DI the step, DX the bytes of a row.
	SHLQ $2, DX
	XORQ CX, CX

column:
	VMOVUPS (DI)(CX*1), A0
	XORQ    R8, R8

add:
	MOVQ    (SI)(R8*8), R10
	LEAQ    (BX)(R10*4), R10
	VADDPS  (R10)(CX*1), A0, A1
	VMOVUPS A1, (R10)(CX*1)
	INCQ    R8
	CMPQ    R8, R9
	JB      add
	ADDQ    $WIDTH, CX
	CMPQ    CX, DX
	JB      column
	VZEROUPPER
	RET
