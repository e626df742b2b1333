package catalog

import (
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Temporary views: of a session, or global under the database global_temp.

// maxViews bounds the temporary views of a session: a view keeps a plan.
const maxViews = 100_000

// CreateTempView defines a view by name for the session.
func (c *Catalog) CreateTempView(name string, v *View, replace bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return put(c.mu.views, []string{name}, v, replace)
}

// CreateGlobalTempView defines a view that all sessions see.
func (c *Catalog) CreateGlobalTempView(name string, v *View, replace bool) error {
	s := c.cfg.Shared
	s.mu.Lock()
	defer s.mu.Unlock()
	return put(s.mu.views, []string{GlobalTemp, name}, v, replace)
}

func put(views map[string]*View, name []string, v *View, replace bool) error {
	key := lower(name[len(name)-1])
	if views[key] != nil && !replace {
		return exists("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07",
			"There is a temporary view "+quoted(name...)+" already.", "relationName", quoted(name...))
	}
	if len(views) >= maxViews && views[key] == nil {
		return errs.Errorf(errs.Exhausted, "catalog.CreateTempView", "%d temporary views, the limit: drop some", maxViews)
	}
	d := *v
	d.Name = name
	views[key] = &d
	return nil
}

// TempView finds a session's view, nil if there is none.
func (c *Catalog) TempView(name string) *View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.views[lower(name)]
}

// GlobalTempView finds a global view, nil if there is none.
func (c *Catalog) GlobalTempView(name string) *View {
	s := c.cfg.Shared
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.views[lower(name)]
}

// DropTempView removes a session's view and tells whether there was one.
func (c *Catalog) DropTempView(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.mu.views[lower(name)]
	delete(c.mu.views, lower(name))
	return ok
}

// DropGlobalTempView removes a global view and tells whether there was one.
func (c *Catalog) DropGlobalTempView(name string) bool {
	s := c.cfg.Shared
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.mu.views[lower(name)]
	delete(s.mu.views, lower(name))
	return ok
}

// tempViews lists the views whose name matches a pattern, by name.
func (c *Catalog) tempViews(pattern string) []*View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return matching(c.mu.views, pattern)
}

func (c *Catalog) globalViews(pattern string) []*View {
	s := c.cfg.Shared
	s.mu.Lock()
	defer s.mu.Unlock()
	return matching(s.mu.views, pattern)
}

func matching(views map[string]*View, pattern string) []*View {
	var out []*View
	for name, v := range views {
		if Matches(pattern, name) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *View) int { return strings.Compare(lower(a.base()), lower(b.base())) })
	return out
}

func (v *View) base() string { return v.Name[len(v.Name)-1] }
