//go:build !race

#include "go_asm.h"
#include "textflag.h"
#include "avx2_amd64.h"
#include "gradient_amd64.h"

// func pairAVX2(p *Pair)
TEXT ·pairAVX2(SB), NOSPLIT, $32-8
	MOVQ p+0(FP), DI
#include "pair_amd64.h"

// func windowAVX2(w *Window)
TEXT ·windowAVX2(SB), NOSPLIT, $0-8
	MOVQ w+0(FP), DI
#include "window_amd64.h"

// func sumAVX2(dst, base *float32, offsets *int64, n, stride int, scale float32)
TEXT ·sumAVX2(SB), NOSPLIT, $0-44
	MOVQ         dst+0(FP), DI
	MOVQ         base+8(FP), BX
	MOVQ         offsets+16(FP), SI
	MOVQ         n+24(FP), R9
	MOVQ         stride+32(FP), DX
	VBROADCASTSS scale+40(FP), A1
#include "sum_amd64.h"

// func addAVX2(base *float32, offsets *int64, n int, src *float32, stride int)
TEXT ·addAVX2(SB), NOSPLIT, $0-40
	MOVQ base+0(FP), BX
	MOVQ offsets+8(FP), SI
	MOVQ n+16(FP), R9
	MOVQ src+24(FP), DI
	MOVQ stride+32(FP), DX
#include "add_amd64.h"

// func widenAVX2(dst *float32, base *uint16, offsets *int64, n, stride int)
TEXT ·widenAVX2(SB), NOSPLIT, $0-40
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
	VPMOVZXWD (R10)(CX*2), Y0
	VPSLLD    $16, Y0, Y0
	VMOVDQU   Y0, (DI)(CX*4)
	ADDQ      $8, CX
	CMPQ      CX, DX
	JB        component
	LEAQ      (DI)(DX*4), DI
	ADDQ      $8, SI
	DECQ      R9
	JNZ       row
	VZEROUPPER
	RET

// func narrowAVX2(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32)
TEXT ·narrowAVX2(SB), NOSPLIT, $0-48
	MOVQ         base+0(FP), BX
	MOVQ         offsets+8(FP), SI
	MOVQ         n+16(FP), R9
	MOVQ         src+24(FP), DI
	MOVQ         stride+32(FP), DX
	MOVQ         noise+40(FP), R8
	VMOVDQU      (R8), Y2
	VMOVDQU      32(R8), Y5
	MOVL         $const_noiseStep, AX
	VMOVD        AX, X4
	VPBROADCASTD X4, Y4

row:
	MOVQ (SI), R10
	LEAQ (BX)(R10*2), R10
	XORQ CX, CX

component:
	VPADDD    Y4, Y2, Y2
	VPADDD    Y4, Y5, Y5
	VPSRLD    $16, Y2, Y0
	VPSRLD    $16, Y5, Y1
	VPADDD    (DI)(CX*4), Y0, Y0
	VPADDD    32(DI)(CX*4), Y1, Y1
	VPSRLD    $16, Y0, Y0
	VPSRLD    $16, Y1, Y1
	VPACKUSDW Y1, Y0, Y0
	VPERMQ    $0xd8, Y0, Y0
	VMOVDQU   Y0, (R10)(CX*2)
	ADDQ      $16, CX
	CMPQ      CX, DX
	JB        component
	LEAQ      (DI)(DX*4), DI
	ADDQ      $8, SI
	DECQ      R9
	JNZ       row
	VMOVDQU   Y2, (R8)
	VMOVDQU   Y5, 32(R8)
	VZEROUPPER
	RET
