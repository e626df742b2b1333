#include "textflag.h"

// Distances of the tables from the first, see type tables.
#define MATCH 4096
#define OFF 8192

// Local copies of what does not fit the registers.
#define BITSLOW 0(SP)
#define OUTSAFE 8(SP)
#define OUTBASE 16(SP)
#define LITSEND 24(SP)
#define REP1 32(SP)
#define REP2 40(SP)
#define REP3 48(SP)
#define COUNT 56(SP)
#define WASLIT 64(SP)
#define WASMATCH 72(SP)
#define WASOFF 80(SP)
#define TABLES 88(SP)
// The last eight bytes of output, if the end of output is where TAILAT says.
#define TAIL 96(SP)
#define TAILAT 104(SP)

// func run(l *loop) uint64
//
// One round decodes and executes one sequence. Registers: AX container, R15
// bits in it, DI end of the bits not loaded; R8 tables, R9 R10 R11 positions in
// those of literals, matches, offsets; BX literals, DX output. CX offset, BP
// match length, R14 literal length. The fields of a sequence are cut out of one
// container at the running position SI, so that they do not wait for each other.
TEXT ·run(SB), NOSPLIT, $112-16
	MOVQ l+0(FP), CX
	MOVQ 0(CX), AX
	MOVQ AX, TABLES
	MOVQ 8(CX), DI
	MOVQ 16(CX), AX
	MOVQ AX, BITSLOW
	MOVQ 32(CX), R15
	MOVQ 40(CX), DX
	MOVQ 48(CX), AX
	MOVQ AX, OUTSAFE
	MOVQ 56(CX), AX
	MOVQ AX, OUTBASE
	MOVQ 64(CX), BX
	MOVQ 72(CX), AX
	MOVQ AX, LITSEND
	MOVQ 80(CX), AX
	MOVQ AX, REP1
	MOVQ 88(CX), AX
	MOVQ AX, REP2
	MOVQ 96(CX), AX
	MOVQ AX, REP3
	MOVQ 104(CX), R9
	MOVQ 112(CX), R10
	MOVQ 120(CX), R11
	MOVQ 128(CX), AX
	MOVQ AX, COUNT
	MOVQ $0, TAILAT
	MOVQ 24(CX), AX

round:
	CMPQ DI, BITSLOW
	JCS  end

	MOVQ TABLES, R8

	// At least 56 bits. What is loaded twice is the same both times.
	MOVQ  -8(DI), CX
	SHRXQ R15, CX, CX
	ORQ   CX, AX
	MOVQ  R15, CX
	XORQ  $63, CX
	SHRQ  $3, CX
	SUBQ  CX, DI
	ORQ   $56, R15
	MOVQ  R9, WASLIT
	MOVQ  R10, WASMATCH
	MOVQ  R11, WASOFF

	// Values.
	MOVL    $64, SI
	MOVBLZX OFF+1(R8)(R11*8), R12
	SUBQ    R12, SI
	SHRXQ   SI, AX, CX
	BZHIQ   R12, CX, CX
	MOVL    OFF+4(R8)(R11*8), R13
	ADDQ    R13, CX
	MOVBLZX MATCH+1(R8)(R10*8), R12
	SUBQ    R12, SI
	SHRXQ   SI, AX, BP
	BZHIQ   R12, BP, BP
	MOVL    MATCH+4(R8)(R10*8), R13
	ADDQ    R13, BP
	MOVBLZX 1(R8)(R9*8), R12
	SUBQ    R12, SI
	SHRXQ   SI, AX, R14
	BZHIQ   R12, R14, R14
	MOVL    4(R8)(R9*8), R13
	ADDQ    R13, R14

	// Next states.
	MOVBLZX 0(R8)(R9*8), R12
	MOVWLZX 2(R8)(R9*8), R9
	SUBQ    R12, SI
	SHRXQ   SI, AX, R13
	BZHIQ   R12, R13, R13
	ADDQ    R13, R9
	MOVBLZX MATCH(R8)(R10*8), R12
	MOVWLZX MATCH+2(R8)(R10*8), R10
	SUBQ    R12, SI
	SHRXQ   SI, AX, R13
	BZHIQ   R12, R13, R13
	ADDQ    R13, R10
	MOVBLZX OFF(R8)(R11*8), R12
	MOVWLZX OFF+2(R8)(R11*8), R11
	SUBQ    R12, SI
	SHRXQ   SI, AX, R13
	BZHIQ   R12, R13, R13
	ADDQ    R13, R11

	// 64-SI bits are used. No more than 56 can be: the rest was not there.
	CMPQ  SI, $8
	JLT   wide
	LEAQ  -64(R15)(SI*1), R15
	NEGQ  SI
	SHLXQ SI, AX, AX

	// The offset, see Decoder.offset, without a jump: R12 is which recent one, 3
	// and more if none of them.
	MOVQ    CX, R12
	CMPQ    R14, $1
	ADCQ    $-1, R12
	MOVQ    REP1, R13
	MOVQ    REP2, R8
	LEAQ    -1(R13), SI
	SUBQ    $3, CX
	CMPQ    R12, $1
	CMOVQEQ R8, SI
	CMOVQCS R13, SI
	CMOVQCS R8, R13
	MOVQ    R13, REP2
	CMPQ    R12, $2
	MOVQ    REP3, R13
	CMOVQEQ R13, SI
	CMOVQCC R8, R13
	MOVQ    R13, REP3
	TESTQ   CX, CX
	CMOVQLE SI, CX
	MOVQ    CX, REP1

	// Ends.
	LEAQ (BX)(R14*1), SI
	LEAQ (DX)(R14*1), R12
	LEAQ (R12)(BP*1), R13
	CMPQ SI, LITSEND
	JHI  held
	CMPQ R13, OUTSAFE
	JHI  held

	MOVOU (BX), X0
	MOVQ  SI, BX
	MOVOU X0, (DX)
	CMPQ  R14, $16
	JHI   longlits

match:
	MOVQ R12, SI
	SUBQ CX, SI      // where the match is; CX 0 is caught below
	JCS  badmatch
	CMPQ SI, OUTBASE
	JCS  badmatch
	CMPQ CX, $16
	JCS  near
	MOVOU (SI), X0
	MOVOU X0, (R12)
	CMPQ BP, $16
	JHI  longmatch

done:
	MOVQ R13, DX
	DECQ COUNT
	JNZ  round

end:
	MOVQ $0, R12
	JMP  out

longlits:
	// BX is already behind them.
	SUBQ R14, BX
more:
	ADDQ  $16, BX
	ADDQ  $16, DX
	MOVOU (BX), X0
	MOVOU X0, (DX)
	SUBQ  $16, R14
	CMPQ  R14, $16
	JHI   more
	ADDQ  R14, BX
	JMP   match

longmatch:
	ADDQ  $16, SI
	ADDQ  $16, R12
	MOVOU (SI), X0
	MOVOU X0, (R12)
	SUBQ  $16, BP
	CMPQ  BP, $16
	JHI   longmatch
	JMP   done

near:
	CMPQ CX, $8
	JCS  nearer
	JEQ  eight
words:
	MOVQ (SI), R14
	MOVQ R14, (R12)
	ADDQ $8, SI
	ADDQ $8, R12
	SUBQ $8, BP
	JGT  words
	JMP  done

eight:
	// 64-bit values that differ little: one after another of these. What is
	// copied was written just now, in parts, and loading it would wait for them
	// all; so the last eight bytes are kept in hand.
	CMPQ  DX, TAILAT
	JNE   load
	CMPQ  R14, $7
	JHI   load
	MOVQ  BX, SI
	SUBQ  R14, SI
	MOVQ  (SI), SI
	MOVQ  TAIL, R8
	SHLQ  $3, R14
	BZHIQ R14, SI, SI
	SHRXQ R14, R8, R8
	NEGQ  R14
	SHLXQ R14, SI, SI
	ORQ   SI, R8

repeat:
	MOVQ       R8, X0
	PUNPCKLQDQ X0, X0
	MOVOU      X0, (R12)
	MOVOU      X0, 16(R12)
	LEAQ       (BP*8), CX
	RORQ       CX, R8
	MOVQ       R8, TAIL
	MOVQ       R13, TAILAT
	CMPQ       BP, $32
	JLS        done

again:
	ADDQ  $32, R12
	MOVOU X0, (R12)
	MOVOU X0, 16(R12)
	SUBQ  $32, BP
	CMPQ  BP, $32
	JHI   again
	JMP   done

load:
	MOVQ (SI), R8
	JMP  repeat

nearer:
	// Eight bytes one by one, then words from a whole number of periods back.
	TESTQ CX, CX
	JEQ   badmatch
	MOVL  $8, R14
	MOVQ  AX, WASLIT
bytes:
	MOVB (SI), AX
	MOVB AX, (R12)
	INCQ SI
	INCQ R12
	DECQ R14
	JNZ  bytes
	MOVQ WASLIT, AX
	SUBQ $8, BP
	JLE  done
	LEAQ ·periods(SB), R14
	MOVBLZX (R14)(CX*1), R14
	MOVQ R12, SI
	SUBQ R14, SI
	JMP  words

badmatch:
	// The literals are copied; the match is refused by the caller.
	MOVQ R12, DX
	XORL R14, R14

held:
	MOVQ l+0(FP), R12
	MOVQ R14, 136(R12)
	MOVQ BP, 144(R12)
	MOVQ CX, 152(R12)
	DECQ COUNT
	MOVQ $1, R12
	JMP  out

wide:
	MOVQ WASLIT, R9
	MOVQ WASMATCH, R10
	MOVQ WASOFF, R11
	MOVQ $2, R12

out:
	MOVQ l+0(FP), CX
	MOVQ DI, 8(CX)
	MOVQ AX, 24(CX)
	MOVQ R15, 32(CX)
	MOVQ DX, 40(CX)
	MOVQ BX, 64(CX)
	MOVQ REP1, AX
	MOVQ AX, 80(CX)
	MOVQ REP2, AX
	MOVQ AX, 88(CX)
	MOVQ REP3, AX
	MOVQ AX, 96(CX)
	MOVQ R9, 104(CX)
	MOVQ R10, 112(CX)
	MOVQ R11, 120(CX)
	MOVQ COUNT, AX
	MOVQ AX, 128(CX)
	MOVQ R12, ret+8(FP)
	RET

// Multiples of 1 to 7 that are at least 8.
DATA ·periods+0(SB)/8, $0x0e0c0a0809080800
GLOBL ·periods(SB), RODATA|NOPTR, $8

// func hasBMI2() bool
TEXT ·hasBMI2(SB), NOSPLIT, $0-1
	XORL AX, AX
	CPUID
	CMPL AX, $7
	JLT  no
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $8, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)
	RET
no:
	MOVB $0, ret+0(FP)
	RET
