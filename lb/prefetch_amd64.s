//go:build gc && !purego

#include "go_asm.h"
#include "textflag.h"

// func prefetch(one, other *ewmaPlace)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ one+0(FP), AX
	MOVQ other+8(FP), BX
	MOVQ ewmaPlace_cell(AX), CX
	MOVQ ewmaPlace_cell(BX), DX
	MOVQ ewmaPlace_node(AX), AX
	MOVQ ewmaPlace_node(BX), BX
	// PREFETCHW (AX) and (BX), which the assembler does not know. A processor without
	// it does nothing.
	BYTE $0x0f; BYTE $0x0d; BYTE $0x08
	BYTE $0x0f; BYTE $0x0d; BYTE $0x0b
	PREFETCHT0 (CX)
	PREFETCHT0 (DX)
	RET
