package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// scope is what names of relations can mean at a place of the plan, and which
// query encloses it.
type scope struct {
	parent *scope
	ctes   map[string]*cte      // by lower-case name
	refs   map[int64]plan.Node  // WithRelations: unresolved plans by id
	named  map[string]plan.Node // WithRelations: unresolved plans by lower-case name
	outer  *env                 // expressions of the enclosing query; nil at the top
}

// cte is a named query; its plan is resolved at the first use.
type cte struct {
	def   plan.CTE
	scope *scope // in which the definition stands
	id    int64
	plan  plan.Node
	// recursive: the definition refers to itself.
	recursive bool
	// ref, inside the step of a recursive query, is the rows that came last.
	ref *plan.RecursiveRef
}

// outerEnv is the enclosing query's environment.
func (s *scope) outerEnv() *env {
	for ; s != nil; s = s.parent {
		if s.outer != nil {
			return s.outer
		}
	}
	return nil
}

func (s *scope) cte(name string) *cte {
	name = strings.ToLower(name)
	for ; s != nil; s = s.parent {
		if c := s.ctes[name]; c != nil {
			return c
		}
	}
	return nil
}

func (s *scope) ref(id int64) plan.Node {
	for ; s != nil; s = s.parent {
		if n := s.refs[id]; n != nil {
			return n
		}
	}
	return nil
}

func (s *scope) relation(name string) (plan.Node, *scope) {
	name = strings.ToLower(name)
	for ; s != nil; s = s.parent {
		if n := s.named[name]; n != nil {
			return n, s.parent
		}
	}
	return nil, nil
}
