package sql

import "github.com/spurwheel/spurwheel/dataset/plan"

// command takes a statement that is no query, by its first word.
func (p *parser) command(string) plan.Node {
	p.syntax("a statement")
	return &plan.OneRow{}
}

func (p *parser) options() map[string]string { return nil }
func (p *parser) pipeOperator(n plan.Node) plan.Node {
	p.advance()
	p.syntax("a pipe operator")
	return n
}
