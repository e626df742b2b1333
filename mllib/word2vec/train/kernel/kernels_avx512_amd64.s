//go:build !race

#include "go_asm.h"
#include "textflag.h"
#include "avx512_amd64.h"
#include "gradient_amd64.h"

// func pairAVX512(p *Pair)
TEXT ·pairAVX512(SB), NOSPLIT, $32-8
	MOVQ p+0(FP), DI
#include "pair_amd64.h"

// func windowAVX512(w *Window)
TEXT ·windowAVX512(SB), NOSPLIT, $0-8
	MOVQ w+0(FP), DI
#include "window_amd64.h"

// func sumAVX512(dst, base *float32, offsets *int64, n, stride int, scale float32)
TEXT ·sumAVX512(SB), NOSPLIT, $0-44
	MOVQ         dst+0(FP), DI
	MOVQ         base+8(FP), BX
	MOVQ         offsets+16(FP), SI
	MOVQ         n+24(FP), R9
	MOVQ         stride+32(FP), DX
	VBROADCASTSS scale+40(FP), A1
#include "sum_amd64.h"

// func addAVX512(base *float32, offsets *int64, n int, src *float32, stride int)
TEXT ·addAVX512(SB), NOSPLIT, $0-40
	MOVQ base+0(FP), BX
	MOVQ offsets+8(FP), SI
	MOVQ n+16(FP), R9
	MOVQ src+24(FP), DI
	MOVQ stride+32(FP), DX
#include "add_amd64.h"

// func widenAVX512(dst *float32, base *uint16, offsets *int64, n, stride int)
TEXT ·widenAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ base+8(FP), BX
	MOVQ offsets+16(FP), SI
	MOVQ n+24(FP), R9
	MOVQ stride+32(FP), DX

row:
	MOVQ (SI), R10
	LEAQ (BX)(R10*2), R10
	XORQ CX, CX

component:
	VPMOVZXWD (R10)(CX*2), Z0
	VPSLLD    $16, Z0, Z0
	VMOVDQU32 Z0, (DI)(CX*4)
	ADDQ      $16, CX
	CMPQ      CX, DX
	JB        component
	LEAQ      (DI)(DX*4), DI
	ADDQ      $8, SI
	DECQ      R9
	JNZ       row
	VZEROUPPER
	RET

// func narrowAVX512(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32)
TEXT ·narrowAVX512(SB), NOSPLIT, $0-48
	MOVQ         base+0(FP), BX
	MOVQ         offsets+8(FP), SI
	MOVQ         n+16(FP), R9
	MOVQ         src+24(FP), DI
	MOVQ         stride+32(FP), DX
	MOVQ         noise+40(FP), R8
	VMOVDQU32    (R8), Z2
	MOVL         $const_noiseStep, AX
	VPBROADCASTD AX, Z4

row:
	MOVQ (SI), R10
	LEAQ (BX)(R10*2), R10
	XORQ CX, CX

component:
	VPADDD  Z4, Z2, Z2
	VPSRLD  $16, Z2, Z0
	VPADDD  (DI)(CX*4), Z0, Z0
	VPSRLD  $16, Z0, Z0
	VPMOVDW Z0, (R10)(CX*2)
	ADDQ    $16, CX
	CMPQ    CX, DX
	JB      component
	LEAQ    (DI)(DX*4), DI
	ADDQ    $8, SI
	DECQ    R9
	JNZ     row
	VMOVDQU32 Z2, (R8)
	VZEROUPPER
	RET
