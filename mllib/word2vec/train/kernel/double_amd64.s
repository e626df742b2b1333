//go:build !race

#include "go_asm.h"
#include "textflag.h"
#include "avx512_amd64.h"
#include "gradient_amd64.h"

DATA labels<>+0(SB)/4, $0x3f800000
DATA labels<>+4(SB)/4, $0
DATA labels<>+8(SB)/8, $0
DATA labels<>+16(SB)/8, $0
DATA labels<>+24(SB)/8, $0
DATA labels<>+32(SB)/4, $0x3f800000
DATA labels<>+36(SB)/4, $0
DATA labels<>+40(SB)/8, $0
DATA labels<>+48(SB)/8, $0
DATA labels<>+56(SB)/8, $0
GLOBL labels<>(SB), RODATA|NOPTR, $64

// FOLD adds the halves of a to each other in the lower half of to, and those of b in its upper half.
#define FOLD(a, b, to) \
	VSHUFF64X2 $0x44, b, a, Z30 \
	VSHUFF64X2 $0xee, b, a, Z31 \
	VADDPS     Z31, Z30, to

#define STEP(row, g, input, e) \
	VMOVUPS     (row)(CX*1), Z31 \
	VFMADD231PS Z31, g, e \
	VFMADD231PS input, g, Z31 \
	VMOVUPS     Z31, (row)(CX*1)

// AHEAD asks for one cache line of a row that a later call will want: one per row and column, between the arithmetic, because
// all at once they would wait for the few misses that a core can have under way.
#define AHEAD(row) \
	MOVQ       row, BX \
	PREFETCHT0 (BX)(CX*1)

// func doubleAVX512(d *Double)
//
// Pointers are those of the ends of rows and CX counts up to zero: every register is taken. SI and DI are the input rows A and
// B, R8 the positive row, R9..R13 A's negative rows, R14, R15, AX, DX, BX B's; the last one and the rows to ask for live on the
// stack.
TEXT ·doubleAVX512(SB), NOSPLIT, $208-8
	MOVQ  d+0(FP), DI
	MOVL  $0x3e3e, AX
	KMOVW AX, K4
	MOVL  $0x0101, AX
	KMOVW AX, K5
	MOVQ  Double_Base(DI), DX
	MOVQ  Double_Stride(DI), CX
	LEAQ  (DX)(CX*4), DX

	// K3 has a bit for each score that counts: negative rows that are not the positive one, and the positive one twice.
	MOVQ         Double_RowsA(DI), BX
	VPBROADCASTQ (BX), Z29
	VPCMPEQQ     (BX), Z29, K1
	MOVQ         0(BX), R8
	MOVQ         8(BX), R9
	MOVQ         16(BX), R10
	MOVQ         24(BX), R11
	MOVQ         32(BX), R12
	MOVQ         40(BX), R13
	VPBROADCASTQ DX, Z30
	MOVQ         Double_NextA(DI), BX
	VMOVDQU64    (BX), Z31
	VPSLLQ       $2, Z31, Z31
	VPADDQ       Z30, Z31, Z31
	VMOVDQU64    Z31, nextA-208(SP)
	MOVQ         Double_NextB(DI), BX
	VMOVDQU64    (BX), Z31
	VPSLLQ       $2, Z31, Z31
	VPADDQ       Z30, Z31, Z31
	VMOVDQU64    Z31, nextB-144(SP)
	MOVQ         Double_RowsB(DI), BX
	VPCMPEQQ     (BX), Z29, K2
	KUNPCKBW     K1, K2, K3
	KANDNW       K4, K3, K3
	KORW         K5, K3, K3
	MOVQ         8(BX), R14
	MOVQ         16(BX), R15
	MOVQ         24(BX), AX
	MOVQ         32(BX), SI
	MOVQ         40(BX), BX
	LEAQ         (DX)(R8*4), R8
	LEAQ         (DX)(R9*4), R9
	LEAQ         (DX)(R10*4), R10
	LEAQ         (DX)(R11*4), R11
	LEAQ         (DX)(R12*4), R12
	LEAQ         (DX)(R13*4), R13
	LEAQ         (DX)(R14*4), R14
	LEAQ         (DX)(R15*4), R15
	LEAQ         (DX)(AX*4), AX
	LEAQ         (DX)(BX*4), BX
	LEAQ         (DX)(SI*4), DX
	MOVQ         Double_A(DI), SI
	MOVQ         Double_B(DI), DI
	LEAQ         (SI)(CX*4), SI
	LEAQ         (DI)(CX*4), DI
	SHLQ         $2, CX
	NEGQ         CX
	MOVQ         CX, bytes-8(SP)
	MOVQ         BX, last-80(SP)

	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	VPXORD Z2, Z2, Z2
	VPXORD Z3, Z3, Z3
	VPXORD Z4, Z4, Z4
	VPXORD Z5, Z5, Z5
	VPXORD Z6, Z6, Z6
	VPXORD Z7, Z7, Z7
	VPXORD Z8, Z8, Z8
	VPXORD Z9, Z9, Z9
	VPXORD Z10, Z10, Z10
	VPXORD Z11, Z11, Z11
	VPXORD Z12, Z12, Z12

dots:
	VMOVUPS     (SI)(CX*1), Z13
	VMOVUPS     (DI)(CX*1), Z14
	VMOVUPS     (R8)(CX*1), Z15
	VFMADD231PS Z15, Z13, Z0
	VFMADD231PS Z15, Z14, Z7
	VFMADD231PS Z13, Z14, Z6
	VFMADD231PS (R9)(CX*1), Z13, Z1
	VFMADD231PS (R10)(CX*1), Z13, Z2
	VFMADD231PS (R11)(CX*1), Z13, Z3
	VFMADD231PS (R12)(CX*1), Z13, Z4
	VFMADD231PS (R13)(CX*1), Z13, Z5
	VFMADD231PS (R14)(CX*1), Z14, Z8
	VFMADD231PS (R15)(CX*1), Z14, Z9
	VFMADD231PS (AX)(CX*1), Z14, Z10
	VFMADD231PS (DX)(CX*1), Z14, Z11
	MOVQ        last-80(SP), BX
	VFMADD231PS (BX)(CX*1), Z14, Z12
	AHEAD(nextA-200(SP))
	AHEAD(nextA-192(SP))
	AHEAD(nextA-184(SP))
	AHEAD(nextA-176(SP))
	AHEAD(nextA-168(SP))
	ADDQ        $64, CX
	JNZ         dots

	// A transposition: lanes 0..5 become the scores of A, 6 the product A·B, 8..13 the scores of B.
	VPXORD     Z13, Z13, Z13
	FOLD(Z0, Z7, Z0)
	FOLD(Z1, Z8, Z1)
	FOLD(Z2, Z9, Z2)
	FOLD(Z3, Z10, Z3)
	FOLD(Z4, Z11, Z4)
	FOLD(Z5, Z12, Z5)
	FOLD(Z6, Z13, Z6)
	VUNPCKLPS  Z1, Z0, Z7
	VUNPCKHPS  Z1, Z0, Z0
	VUNPCKLPS  Z3, Z2, Z8
	VUNPCKHPS  Z3, Z2, Z2
	VUNPCKLPS  Z5, Z4, Z9
	VUNPCKHPS  Z5, Z4, Z4
	VUNPCKLPS  Z13, Z6, Z10
	VUNPCKHPS  Z13, Z6, Z6
	VADDPS     Z7, Z0, Z0
	VADDPS     Z8, Z2, Z2
	VADDPS     Z9, Z4, Z4
	VADDPS     Z10, Z6, Z6
	VUNPCKLPD  Z2, Z0, Z1
	VUNPCKHPD  Z2, Z0, Z0
	VUNPCKLPD  Z6, Z4, Z5
	VUNPCKHPD  Z6, Z4, Z4
	VADDPS     Z1, Z0, Z0
	VADDPS     Z5, Z4, Z4
	VSHUFF32X4 $0x88, Z4, Z0, Z1
	VSHUFF32X4 $0xdd, Z4, Z0, Z0
	VADDPS     Z1, Z0, Z0
	VSHUFF32X4 $0xd8, Z0, Z0, Z0

	// The gradients of all scores, as GRADIENT makes them.
	MOVQ          d+0(FP), CX
	VMOVUPS       Z0, Double_Dots(CX)
	VBROADCASTSS  Double_Alpha(CX), Z14
	VMULPS.BCST   numbers<>+0(SB), Z0, Z1
	VRNDSCALEPS   $0, Z1, Z2
	VANDPS.BCST   numbers<>+288(SB), Z0, Z9
	VCMPPS.BCST   $1, numbers<>+256(SB), Z9, K3, K1
	VSUBPS        Z2, Z1, Z1
	VCVTPS2DQ     Z2, Z2
	VBROADCASTSS  numbers<>+32(SB), Z8
	VBROADCASTSS  numbers<>+64(SB), Z3
	VBROADCASTSS  numbers<>+128(SB), Z4
	VBROADCASTSS  numbers<>+192(SB), Z5
	VBROADCASTSS  numbers<>+96(SB), Z10
	VBROADCASTSS  numbers<>+160(SB), Z11
	VMOVUPS       labels<>(SB), Z15
	VMULPS        Z1, Z1, Z6
	VFMADD213PS   Z8, Z1, Z3
	VFMADD213PS   Z10, Z1, Z4
	VFMADD213PS   Z11, Z1, Z5
	VPSLLD        $23, Z2, Z2
	VFMADD213PS   Z4, Z6, Z5
	VFMADD213PS   Z3, Z6, Z5
	VPADDD        Z2, Z5, Z5
	VADDPS        Z8, Z5, Z5
	VDIVPS        Z5, Z8, Z5
	VSUBPS        Z5, Z15, Z5
	VMULPS.Z      Z14, Z5, K1, Z16
	VMOVUPS       Z16, steps-72(SP)

	// B's score of the positive row once A's step is in it: + g·A·B.
	VEXTRACTF32X4 $1, Z0, X1
	VEXTRACTF32X4 $2, Z0, X12
	VPSHUFD       $0xaa, X1, X1
	VFMADD231SS   X16, X1, X12
	VMOVAPS       X12, X0
	VMULPS        numbers<>+0(SB), X0, X1
	VRNDSCALEPS   $0, X1, X2
	VANDPS        numbers<>+288(SB), X0, X9
	VCMPPS        $1, numbers<>+256(SB), X9, K3, K2
	VSUBPS        X2, X1, X1
	VCVTPS2DQ     X2, X2
	VMOVUPS       numbers<>+64(SB), X3
	VMOVUPS       numbers<>+128(SB), X4
	VMOVUPS       numbers<>+192(SB), X5
	VMULPS        X1, X1, X6
	VFMADD213PS   X8, X1, X3
	VFMADD213PS   X10, X1, X4
	VFMADD213PS   X11, X1, X5
	VPSLLD        $23, X2, X2
	VFMADD213PS   X4, X6, X5
	VFMADD213PS   X3, X6, X5
	VPADDD        X2, X5, X5
	VADDPS        X8, X5, X5
	VDIVPS        X5, X8, X5
	VSUBPS        X5, X8, X5
	VMULPS.Z      X14, X5, K2, X22

	VBROADCASTSS X16, Z16
	VBROADCASTSS steps-68(SP), Z17
	VBROADCASTSS steps-64(SP), Z18
	VBROADCASTSS steps-60(SP), Z19
	VBROADCASTSS steps-56(SP), Z20
	VBROADCASTSS steps-52(SP), Z21
	VBROADCASTSS X22, Z22
	VBROADCASTSS steps-36(SP), Z23
	VBROADCASTSS steps-32(SP), Z24
	VBROADCASTSS steps-28(SP), Z25
	VBROADCASTSS steps-24(SP), Z26
	VBROADCASTSS steps-20(SP), Z27
	MOVQ         bytes-8(SP), CX

	// What needs B's late score comes last in each column. B is read when A has been written: they may be the same row.
move:
	VMOVUPS     (SI)(CX*1), Z0
	VMOVUPS     (R8)(CX*1), Z2
	VMOVAPS     Z0, Z1
	VFMADD231PS Z2, Z16, Z1
	VFMADD231PS Z0, Z16, Z2
	STEP(R9, Z17, Z0, Z1)
	STEP(R10, Z18, Z0, Z1)
	STEP(R11, Z19, Z0, Z1)
	STEP(R12, Z20, Z0, Z1)
	STEP(R13, Z21, Z0, Z1)
	VMOVUPS     Z1, (SI)(CX*1)
	VMOVUPS     (DI)(CX*1), Z3
	VMOVAPS     Z3, Z4
	STEP(R14, Z23, Z3, Z4)
	STEP(R15, Z24, Z3, Z4)
	STEP(AX, Z25, Z3, Z4)
	STEP(DX, Z26, Z3, Z4)
	MOVQ        last-80(SP), BX
	STEP(BX, Z27, Z3, Z4)
	AHEAD(nextB-136(SP))
	AHEAD(nextB-128(SP))
	AHEAD(nextB-120(SP))
	AHEAD(nextB-112(SP))
	AHEAD(nextB-104(SP))
	VFMADD231PS Z2, Z22, Z4
	VFMADD231PS Z3, Z22, Z2
	VMOVUPS     Z2, (R8)(CX*1)
	VMOVUPS     Z4, (DI)(CX*1)
	ADDQ        $64, CX
	JNZ         move
	VZEROUPPER
	RET
