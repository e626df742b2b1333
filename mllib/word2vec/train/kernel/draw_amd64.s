//go:build !race

#include "go_asm.h"
#include "textflag.h"

// The multiples 1..8 of drawGolden.
DATA goldens<>+0(SB)/8, $0x9e3779b97f4a7c15
DATA goldens<>+8(SB)/8, $0x3c6ef372fe94f82a
DATA goldens<>+16(SB)/8, $0xdaa66d2c7ddf743f
DATA goldens<>+24(SB)/8, $0x78dde6e5fd29f054
DATA goldens<>+32(SB)/8, $0x1715609f7c746c69
DATA goldens<>+40(SB)/8, $0xb54cda58fbbee87e
DATA goldens<>+48(SB)/8, $0x538454127b096493
DATA goldens<>+56(SB)/8, $0xf1bbcdcbfa53e0a8
GLOBL goldens<>(SB), RODATA|NOPTR, $64

// func drawAVX512(d *Draw, set *[8]int64)
TEXT ·drawAVX512(SB), NOSPLIT, $0-16
	MOVQ         d+0(FP), DI
	MOVQ         set+8(FP), SI
	MOVQ         Draw_State(DI), AX
	MOVQ         Draw_Table(DI), BX
	VPBROADCASTQ AX, Z0
	VPADDQ       goldens<>(SB), Z0, Z0
	ADDQ         goldens<>+56(SB), AX
	MOVQ         AX, Draw_State(DI)
	VPBROADCASTQ Draw_Slots(DI), Z4
	VPBROADCASTQ Draw_Stride(DI), Z5
	MOVQ         $const_drawFirst, CX
	VPBROADCASTQ CX, Z6
	MOVQ         $const_drawSecond, CX
	VPBROADCASTQ CX, Z7
	VPSRLQ       $30, Z0, Z1
	VPXORQ       Z1, Z0, Z0
	VPMULLQ      Z6, Z0, Z0
	VPSRLQ       $27, Z0, Z1
	VPXORQ       Z1, Z0, Z0
	VPMULLQ      Z7, Z0, Z0
	VPSRLQ       $31, Z0, Z1
	VPXORQ       Z1, Z0, Z0
	VPSRLQ       $32, Z0, Z1
	VPMULUDQ     Z4, Z1, Z1
	VPSRLQ       $32, Z1, Z1
	KXNORW       K1, K1, K1
	VPXORQ       Z2, Z2, Z2
	VPGATHERQQ   (BX)(Z1*8), K1, Z2

	// The lower halves decide, compared in the upper halves of their lanes.
	VPSLLQ    $32, Z0, Z0
	VPSLLQ    $32, Z2, Z3
	VPSRLQ    $32, Z2, Z2
	VPCMPUQ   $1, Z3, Z0, K2
	VMOVDQA64 Z1, K2, Z2
	VPMULUDQ  Z5, Z2, Z2
	VMOVDQU64 Z2, (SI)
	VZEROUPPER
	RET
