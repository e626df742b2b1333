	// w is in DI. R8..R13 are the output rows, DX the bytes of a row, SI the offset of an input row and R15 the row itself.
	MOVQ Window_Rows(DI), BX
	MOVQ Window_Base(DI), AX
	MOVQ Window_Stride(DI), DX
	SHLQ $2, DX
	MOVQ 0(BX), R8
	MOVQ 8(BX), R9
	MOVQ 16(BX), R10
	MOVQ 24(BX), R11
	MOVQ 32(BX), R12
	MOVQ 40(BX), R13
	LEAQ (AX)(R8*4), R8
	LEAQ (AX)(R9*4), R9
	LEAQ (AX)(R10*4), R10
	LEAQ (AX)(R11*4), R11
	LEAQ (AX)(R12*4), R12
	LEAQ (AX)(R13*4), R13
	MOVQ Window_In(DI), BX
	MOVQ Window_Inputs(DI), SI
	MOVQ Window_Steps(DI), AX
	MOVQ Window_Count(DI), R14

	// Once for every input row: its six scores and steps.
input:
	MOVQ   (SI), R15
	LEAQ   (BX)(R15*4), R15
	VXORPS A0, A0, A0
	VXORPS A1, A1, A1
	VXORPS A2, A2, A2
	VXORPS A3, A3, A3
	VXORPS A4, A4, A4
	VXORPS A5, A5, A5
	XORQ   CX, CX

dots:
	VMOVUPS     (R15)(CX*1), C
	VFMADD231PS (R8)(CX*1), C, A0
	VFMADD231PS (R9)(CX*1), C, A1
	VFMADD231PS (R10)(CX*1), C, A2
	VFMADD231PS (R11)(CX*1), C, A3
	VFMADD231PS (R12)(CX*1), C, A4
	VFMADD231PS (R13)(CX*1), C, A5
	ADDQ        $WIDTH, CX
	CMPQ        CX, DX
	JB          dots

	SCORE
	CMPQ    R14, Window_Count(DI)
	JNE     later
	VMOVUPS Y0, Window_Dots(DI)

later:
	GRADIENT(Window_Label(DI), Window_Alpha(DI))
	VMOVUPS Y0, (AX)
	ADDQ    $32, AX
	ADDQ    $8, SI
	DECQ    R14
	JNZ     input

	// Column by column: the rows and their sums of steps stay in registers while the inputs pass.
	XORQ CX, CX

column:
	VMOVUPS (R8)(CX*1), A0
	VMOVUPS (R9)(CX*1), A1
	VMOVUPS (R10)(CX*1), A2
	VMOVUPS (R11)(CX*1), A3
	VMOVUPS (R12)(CX*1), A4
	VMOVUPS (R13)(CX*1), A5
	VXORPS  D0, D0, D0
	VXORPS  D1, D1, D1
	VXORPS  D2, D2, D2
	VXORPS  D3, D3, D3
	VXORPS  D4, D4, D4
	VXORPS  D5, D5, D5
	MOVQ    Window_Inputs(DI), SI
	MOVQ    Window_Steps(DI), AX
	MOVQ    Window_Count(DI), R14

move:
	MOVQ         (SI), R15
	LEAQ         (BX)(R15*4), R15
	VMOVUPS      (R15)(CX*1), C
	VBROADCASTSS 0(AX), T
	VMOVAPS      C, E
	VFMADD231PS  T, A0, E
	VFMADD231PS  T, C, D0
	VBROADCASTSS 4(AX), T
	VFMADD231PS  T, A1, E
	VFMADD231PS  T, C, D1
	VBROADCASTSS 8(AX), T
	VFMADD231PS  T, A2, E
	VFMADD231PS  T, C, D2
	VBROADCASTSS 12(AX), T
	VFMADD231PS  T, A3, E
	VFMADD231PS  T, C, D3
	VBROADCASTSS 16(AX), T
	VFMADD231PS  T, A4, E
	VFMADD231PS  T, C, D4
	VBROADCASTSS 20(AX), T
	VFMADD231PS  T, A5, E
	VFMADD231PS  T, C, D5
	VMOVUPS      E, (R15)(CX*1)
	ADDQ         $32, AX
	ADDQ         $8, SI
	DECQ         R14
	JNZ          move

	VADDPS  (R8)(CX*1), D0, D0
	VMOVUPS D0, (R8)(CX*1)
	VADDPS  (R9)(CX*1), D1, D1
	VMOVUPS D1, (R9)(CX*1)
	VADDPS  (R10)(CX*1), D2, D2
	VMOVUPS D2, (R10)(CX*1)
	VADDPS  (R11)(CX*1), D3, D3
	VMOVUPS D3, (R11)(CX*1)
	VADDPS  (R12)(CX*1), D4, D4
	VMOVUPS D4, (R12)(CX*1)
	VADDPS  (R13)(CX*1), D5, D5
	VMOVUPS D5, (R13)(CX*1)
	ADDQ    $WIDTH, CX
	CMPQ    CX, DX
	JB      column
	VZEROUPPER
	RET
