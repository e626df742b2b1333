// The bodies in *_amd64.h are written once for both widths; these are the registers of AVX-512.
// A0..A5 accumulate or hold rows, D0..D5 are a second set, G is broadcast gradients.

#define WIDTH 64
#define A0 Z0
#define A1 Z1
#define A2 Z2
#define A3 Z3
#define A4 Z4
#define A5 Z5
#define C Z6
#define E Z7
#define T Z8
#define D0 Z10
#define D1 Z11
#define D2 Z12
#define D3 Z13
#define D4 Z14
#define D5 Z15

// HALVE adds the upper half of each accumulator to the lower one.
#define HALVE \
	VEXTRACTF64X4 $1, Z0, Y10 \
	VEXTRACTF64X4 $1, Z1, Y11 \
	VEXTRACTF64X4 $1, Z2, Y12 \
	VEXTRACTF64X4 $1, Z3, Y13 \
	VEXTRACTF64X4 $1, Z4, Y14 \
	VEXTRACTF64X4 $1, Z5, Y15 \
	VADDPS        Y10, Y0, Y0 \
	VADDPS        Y11, Y1, Y1 \
	VADDPS        Y12, Y2, Y2 \
	VADDPS        Y13, Y3, Y3 \
	VADDPS        Y14, Y4, Y4 \
	VADDPS        Y15, Y5, Y5
