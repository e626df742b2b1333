	// DI is the target, BX the base, SI the offsets, R9 their number, DX the bytes of a row, A1 the scale.
	SHLQ $2, DX
	XORQ CX, CX

column:
	VXORPS A0, A0, A0
	XORQ   R8, R8

add:
	MOVQ    (SI)(R8*8), R10
	LEAQ    (BX)(R10*4), R10
	VADDPS  (R10)(CX*1), A0, A0
	INCQ    R8
	CMPQ    R8, R9
	JB      add
	VMULPS  A1, A0, A0
	VMOVUPS A0, (DI)(CX*1)
	ADDQ    $WIDTH, CX
	CMPQ    CX, DX
	JB      column
	VZEROUPPER
	RET
