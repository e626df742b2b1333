// SCORE takes the six accumulators to their six sums in the lanes of Y0 (lanes 6 and 7 repeat 4 and 5). Overwrites Y1..Y15.
#define SCORE \
	HALVE \
	VHADDPS    Y1, Y0, Y0 \
	VHADDPS    Y3, Y2, Y2 \
	VHADDPS    Y5, Y4, Y4 \
	VHADDPS    Y2, Y0, Y0 \
	VHADDPS    Y4, Y4, Y4 \
	VPERM2F128 $0x20, Y4, Y0, Y6 \
	VPERM2F128 $0x31, Y4, Y0, Y7 \
	VADDPS     Y7, Y6, Y0

// GRADIENT turns the scores in Y0 into (label - sigmoid(score)) · alpha, or 0 where |score| is not below 6. The polynomial is
// that of Sigmoid, its terms paired (Estrin) because the chain is what a pair waits for. label and alpha are memory operands.
#define GRADIENT(label, alpha) \
	VMULPS      numbers<>+0(SB), Y0, Y1 \
	VROUNDPS    $0, Y1, Y2 \
	VANDPS      numbers<>+288(SB), Y0, Y9 \
	VSUBPS      Y2, Y1, Y1 \
	VCVTPS2DQ   Y2, Y2 \
	VMOVUPS     numbers<>+64(SB), Y3 \
	VMOVUPS     numbers<>+128(SB), Y4 \
	VMOVUPS     numbers<>+192(SB), Y5 \
	VMULPS      Y1, Y1, Y6 \
	VFMADD213PS numbers<>+32(SB), Y1, Y3 \
	VFMADD213PS numbers<>+96(SB), Y1, Y4 \
	VFMADD213PS numbers<>+160(SB), Y1, Y5 \
	VPSLLD      $23, Y2, Y2 \
	VFMADD213PS Y4, Y6, Y5 \
	VFMADD213PS Y3, Y6, Y5 \
	VCMPPS      $1, numbers<>+256(SB), Y9, Y9 \
	VMOVUPS     numbers<>+32(SB), Y3 \
	VPADDD      Y2, Y5, Y5 \
	VMOVUPS     label, Y4 \
	VADDPS      Y3, Y5, Y5 \
	VDIVPS      Y5, Y3, Y5 \
	VSUBPS      Y5, Y4, Y4 \
	VMULPS      alpha, Y4, Y4 \
	VANDPS      Y9, Y4, Y0

// The numbers of GRADIENT, eight of each: -log2(e), 1, the powers 1..5 of the polynomial (exp1 follows 1, exp3 follows exp2,
// exp5 follows exp4), maxDot, and the bits of a number without its sign.
#define EIGHT(at, bits) \
	DATA numbers<>+(at+0)(SB)/4, bits \
	DATA numbers<>+(at+4)(SB)/4, bits \
	DATA numbers<>+(at+8)(SB)/4, bits \
	DATA numbers<>+(at+12)(SB)/4, bits \
	DATA numbers<>+(at+16)(SB)/4, bits \
	DATA numbers<>+(at+20)(SB)/4, bits \
	DATA numbers<>+(at+24)(SB)/4, bits \
	DATA numbers<>+(at+28)(SB)/4, bits

EIGHT(0, $0xbfb8aa3b)
EIGHT(32, $0x3f800000)
EIGHT(64, $0x3f317218)
EIGHT(96, $0x3e75fdf0)
EIGHT(128, $0x3d635847)
EIGHT(160, $0x3c1d955b)
EIGHT(192, $0x3aaec3ff)
EIGHT(224, $0)
EIGHT(256, $0x40c00000)
EIGHT(288, $0x7fffffff)
GLOBL numbers<>(SB), RODATA|NOPTR, $320
