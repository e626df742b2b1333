// Package interp runs the PTX that this repository embeds, for tests on machines without a device: one warp after the other, lane
// by lane. It knows the instructions that clang makes of our kernels and refuses every other; it is an oracle, not fast.
package interp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Kernel is one entry of a module.
type Kernel struct {
	code      []instruction
	registers int
	special   map[string]int // registers that hold the place in the grid
}

// specials are the names of those registers.
var specials = [...]string{"%tid.x", "%ntid.x", "%ctaid.x", "%nctaid.x"}

// instruction is one line. Vector operands are spread out among the others.
type instruction struct {
	text     string
	op       string   // without its types: "setp", "ld", "shfl"
	mods     []string // the rest of the mnemonic
	kind     string   // the last of mods, the type
	types    string   // all of mods
	wide     bool     // the type has 64 bits
	guard    int      // register of the predicate; -1: none
	negated  bool
	args     []operand
	branchTo int
}

type operandKind uint8

const (
	register operandKind = iota
	immediate
	memory // a register or a symbol, and an offset
	label
)

type operand struct {
	kind   operandKind
	reg    int    // register, or the base of memory
	value  uint64 // immediate, or the offset of memory
	symbol string // label, or the base of memory
}

// Parse finds a kernel in a module.
func Parse(ptx, name string) (*Kernel, error) {
	_, body, found := strings.Cut(ptx, ".entry "+name+"(")
	if !found {
		return nil, fmt.Errorf("no kernel %s", name)
	}
	_, body, _ = strings.Cut(body, "\n{\n")
	body, _, found = strings.Cut(body, "\n}\n")
	if !found {
		return nil, fmt.Errorf("kernel %s does not end", name)
	}
	p := parser{names: map[string]int{}, labels: map[string]int{}}
	for line := range strings.Lines(body) {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("kernel %s: %q: %w", name, strings.TrimSpace(line), err)
		}
	}
	for i := range p.code {
		if in := &p.code[i]; in.op == "bra" {
			to, known := p.labels[in.args[0].symbol]
			if !known {
				return nil, fmt.Errorf("kernel %s: no label %s", name, in.args[0].symbol)
			}
			in.branchTo = to
		}
	}
	special := map[string]int{}
	for _, s := range specials {
		special[s] = p.register(s)
	}
	return &Kernel{code: p.code, registers: len(p.names), special: special}, nil
}

type parser struct {
	names  map[string]int
	labels map[string]int
	code   []instruction
}

func (p *parser) line(line string) error {
	line, _, _ = strings.Cut(line, "//")
	line = strings.TrimSpace(line)
	if name, rest, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(line, "$") {
		p.labels[name] = len(p.code)
		line = strings.TrimSpace(rest)
	}
	if line == "" || strings.HasPrefix(line, ".") || line == "{" || line == "}" {
		return nil // declarations: registers are made as they are met
	}
	in := instruction{text: line, guard: -1}
	if half, ok := strings.CutPrefix(line, "{ .reg .b32 tmp; mov.b64 {tmp,"); ok { // the upper half of a register
		line = "upper.b32 " + strings.TrimSuffix(half, "; }")
	}
	line = strings.TrimSuffix(line, ";")
	if strings.HasPrefix(line, "@") {
		guard, rest, _ := strings.Cut(line[1:], " ")
		in.negated = strings.HasPrefix(guard, "!")
		in.guard = p.register(strings.TrimPrefix(guard, "!"))
		line = strings.TrimSpace(rest)
	}
	mnemonic, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	parts := strings.Split(mnemonic, ".")
	in.op, in.mods = parts[0], parts[1:]
	if len(in.mods) > 0 {
		in.kind = in.mods[len(in.mods)-1]
		in.types = strings.Join(in.mods, ".")
		in.wide = strings.HasSuffix(in.kind, "64")
	}
	for text := range strings.SplitSeq(strings.NewReplacer("{", "", "}", "").Replace(rest), ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		arg, err := p.operand(text)
		if err != nil {
			return err
		}
		in.args = append(in.args, arg)
	}
	p.code = append(p.code, in)
	return nil
}

func (p *parser) register(name string) int {
	i, known := p.names[name]
	if !known {
		i = len(p.names)
		p.names[name] = i
	}
	return i
}

func (p *parser) operand(text string) (operand, error) {
	switch {
	case strings.HasPrefix(text, "["):
		return p.address(strings.Trim(text, "[]"))
	case strings.HasPrefix(text, "%"):
		return operand{kind: register, reg: p.register(text)}, nil
	case strings.HasPrefix(text, "$"):
		return operand{kind: label, symbol: text}, nil
	case strings.HasPrefix(text, "0f"):
		bits, err := strconv.ParseUint(text[2:], 16, 32)
		return operand{kind: immediate, value: bits}, err
	}
	if v, err := strconv.ParseInt(text, 0, 64); err == nil {
		return operand{kind: immediate, value: uint64(v)}, nil
	}
	if v, err := strconv.ParseUint(text, 0, 64); err == nil {
		return operand{kind: immediate, value: v}, nil
	}
	switch base, known := symbolAddress(text); {
	case known:
		return operand{kind: immediate, value: base}, nil
	default:
		return operand{}, fmt.Errorf("operand %q", text)
	}
}

func (p *parser) address(text string) (operand, error) {
	base, offset, _ := strings.Cut(text, "+")
	arg := operand{kind: memory, reg: -1}
	if offset != "" {
		v, err := strconv.ParseInt(offset, 0, 64)
		if err != nil {
			return arg, err
		}
		arg.value = uint64(v)
	}
	if strings.HasPrefix(base, "%") {
		arg.reg = p.register(base)
		return arg, nil
	}
	at, known := symbolAddress(base)
	if !known {
		return arg, fmt.Errorf("symbol %q", base)
	}
	arg.value += at
	return arg, nil
}

// The memory that a kernel sees. Addresses say which kind they are of.
const (
	globalBase = 1 << 32
	sharedBase = 2 << 32
	paramBase  = 3 << 32
	spaceMask  = math.MaxUint32
)

func symbolAddress(name string) (uint64, bool) {
	switch {
	case name == "sharedMemory":
		return sharedBase, true
	case strings.Contains(name, "_param_"):
		return paramBase, true
	}
	return 0, false
}
