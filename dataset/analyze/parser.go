package analyze

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/types"
)

// SQL is the Parser for Spark SQL under a session's options.
type SQL struct{ Options sql.Options }

// Expr parses an expression, perhaps with a name.
func (s SQL) Expr(text string) (plan.Expr, error) { return sql.ParseExpr(text, s.Options) }

// Query parses a statement: a view's text.
func (s SQL) Query(text string) (plan.Node, error) { return sql.ParseStatement(text, s.Options) }

// Schema parses a schema as DDL or JSON.
func (s SQL) Schema(text string) (types.Schema, error) { return sql.ParseSchema(text) }
