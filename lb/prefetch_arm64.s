//go:build gc && !purego

#include "go_asm.h"
#include "textflag.h"

// func prefetch(one, other *ewmaPlace)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVD one+0(FP), R0
	MOVD other+8(FP), R1
	MOVD ewmaPlace_cell(R0), R2
	MOVD ewmaPlace_cell(R1), R3
	MOVD ewmaPlace_node(R0), R0
	MOVD ewmaPlace_node(R1), R1
	PRFM (R0), PSTL1KEEP
	PRFM (R1), PSTL1KEEP
	PRFM (R2), PLDL1KEEP
	PRFM (R3), PLDL1KEEP
	RET
