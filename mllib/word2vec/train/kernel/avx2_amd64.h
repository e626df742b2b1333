// The bodies in *_amd64.h are written once for both widths; these are the registers of AVX2.
// A0..A5 accumulate or hold rows, D0..D5 are a second set, G is broadcast gradients.

#define WIDTH 32
#define A0 Y0
#define A1 Y1
#define A2 Y2
#define A3 Y3
#define A4 Y4
#define A5 Y5
#define C Y6
#define E Y7
#define T Y8
#define D0 Y10
#define D1 Y11
#define D2 Y12
#define D3 Y13
#define D4 Y14
#define D5 Y15

// HALVE has nothing to do: the accumulators are 256 bits wide.
#define HALVE
