//go:build !race

#include "textflag.h"

// func prefetch(base *byte, offsets *int64, n, size, bytes int)
TEXT ·prefetch(SB), NOSPLIT, $0-40
	MOVQ base+0(FP), BX
	MOVQ offsets+8(FP), SI
	MOVQ n+16(FP), R9
	MOVQ size+24(FP), R8
	MOVQ bytes+32(FP), DX

row:
	MOVQ  (SI), DI
	IMULQ R8, DI
	ADDQ  BX, DI
	LEAQ  (DI)(DX*1), CX

line:
	PREFETCHT0 (DI)
	ADDQ       $64, DI
	CMPQ       DI, CX
	JB         line
	ADDQ       $8, SI
	DECQ       R9
	JNZ        row
	RET
