package plan

// Command is a statement with effects. Its results, if any, are rows of a
// small local relation; what it returns is decided where it runs (session).
type Command interface {
	Node
	command()
}

// commandNode is embedded by commands: no columns of their own.
type commandNode struct{}

func (commandNode) command()          {}
func (commandNode) Output() []*Column { return nil }
func (commandNode) Exprs() []Expr     { return nil }
func (commandNode) Children() []Node  { return nil }

// SaveMode is what a write does when the target exists.
type SaveMode uint8

const (
	SaveError SaveMode = iota
	SaveAppend
	SaveOverwrite
	SaveIgnore
)

// CreateView defines a view over Child. Text is its SQL, if it came as such.
type CreateView struct {
	commandNode
	Name        []string
	Columns     []string
	Comment     string
	Temp        bool
	Global      bool
	Replace     bool
	IfNotExists bool
	Text        string
	Child       Node

	ColumnComments []string // as Columns, "" for none
	Properties     map[string]string
	SchemaMode     string // WITH SCHEMA: "", "BINDING", "COMPENSATION", "EVOLUTION", "TYPE EVOLUTION"
}

// Write stores Child at a path or in a table. PartitionBy columns become folders.
type Write struct {
	commandNode
	Format      string
	Path        string
	Table       []string // saveAsTable, insertInto, INSERT, CTAS
	Insert      bool     // into an existing table, by position unless ByName
	ByName      bool
	Columns     []string // INSERT's column list
	Partition   map[string]Expr
	Mode        SaveMode
	IfNotExists bool
	PartitionBy []string
	SortBy      []string
	BucketBy    []string
	Buckets     int
	Options     map[string]string
	Properties  map[string]string
	Comment     string
	Child       Node
}

// CreateTable defines an empty table.
type CreateTable struct {
	commandNode
	Name        []string
	SchemaText  string
	Format      string
	Path        string
	PartitionBy []string
	Options     map[string]string
	Properties  map[string]string
	Comment     string
	IfNotExists bool
	Replace     bool
}

// DropRelation drops a table or view.
type DropRelation struct {
	commandNode
	Name     []string
	View     bool
	IfExists bool
	Purge    bool
}

// SetConf is SET key=value; SET key; SET (all).
type SetConf struct {
	commandNode
	Key   string
	Value *string
}

// ResetConf is RESET [key].
type ResetConf struct {
	commandNode
	Key string
}

// Use sets the current catalog or namespace.
type Use struct {
	commandNode
	Name    []string
	Catalog bool
}

// Namespace is CREATE/DROP DATABASE.
type Namespace struct {
	commandNode
	Name       []string
	Drop       bool
	IfExists   bool // or IF NOT EXISTS
	Cascade    bool
	Comment    string
	Location   string
	Properties map[string]string
}

// Show lists things: "tables", "databases", "columns", "views", "functions",
// "partitions", "tblproperties", "create table", "catalogs".
type Show struct {
	commandNode
	What    string
	From    []string // namespace or table
	Pattern string
	System  string // functions: "", "user", "system", "all"
}

// DescribeRelation is DESCRIBE of a table, query, function or database.
type DescribeRelation struct {
	commandNode
	What     string // "table", "query", "function", "database"
	Name     []string
	Column   []string
	Extended bool
	Child    Node
}

// Explain describes the plan of Child. Mode: simple, extended, codegen, cost, formatted.
type Explain struct {
	commandNode
	Mode  string
	Child Node
}

// CacheTable, UncacheTable, ClearCache and Refresh are the SQL cache commands.
type CacheTable struct {
	commandNode
	Name    []string
	Lazy    bool
	Options map[string]string
	Child   Node // CACHE TABLE name AS query
}
type UncacheTable struct {
	commandNode
	Name     []string
	IfExists bool
}
type (
	ClearCache struct{ commandNode }
	Refresh    struct {
		commandNode
		Table []string
		Path  string
	}
)

// CatalogCall is an operation of spark.catalog, by its client name ("listTables").
type CatalogCall struct {
	commandNode
	Op   string
	Args map[string]any
}

func (n *CreateView) WithExprs([]Expr) Node       { return n }
func (n *CreateTable) WithExprs([]Expr) Node      { return n }
func (n *DropRelation) WithExprs([]Expr) Node     { return n }
func (n *SetConf) WithExprs([]Expr) Node          { return n }
func (n *ResetConf) WithExprs([]Expr) Node        { return n }
func (n *Use) WithExprs([]Expr) Node              { return n }
func (n *Namespace) WithExprs([]Expr) Node        { return n }
func (n *Show) WithExprs([]Expr) Node             { return n }
func (n *DescribeRelation) WithExprs([]Expr) Node { return n }
func (n *Explain) WithExprs([]Expr) Node          { return n }
func (n *CacheTable) WithExprs([]Expr) Node       { return n }
func (n *UncacheTable) WithExprs([]Expr) Node     { return n }
func (n *ClearCache) WithExprs([]Expr) Node       { return n }
func (n *Refresh) WithExprs([]Expr) Node          { return n }
func (n *CatalogCall) WithExprs([]Expr) Node      { return n }
func (n *Write) WithExprs([]Expr) Node            { return n }

func (n *CreateTable) WithChildren([]Node) Node  { return n }
func (n *DropRelation) WithChildren([]Node) Node { return n }
func (n *SetConf) WithChildren([]Node) Node      { return n }
func (n *ResetConf) WithChildren([]Node) Node    { return n }
func (n *Use) WithChildren([]Node) Node          { return n }
func (n *Namespace) WithChildren([]Node) Node    { return n }
func (n *Show) WithChildren([]Node) Node         { return n }
func (n *UncacheTable) WithChildren([]Node) Node { return n }
func (n *ClearCache) WithChildren([]Node) Node   { return n }
func (n *Refresh) WithChildren([]Node) Node      { return n }
func (n *CatalogCall) WithChildren([]Node) Node  { return n }

func (n *CreateView) Children() []Node { return []Node{n.Child} }
func (n *CreateView) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Write) Children() []Node { return []Node{n.Child} }
func (n *Write) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Explain) Children() []Node { return []Node{n.Child} }
func (n *Explain) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *DescribeRelation) Children() []Node { return optionalNode(n.Child) }
func (n *DescribeRelation) WithChildren(cs []Node) Node {
	c := *n
	if c.Child != nil {
		c.Child = cs[0]
	}
	return &c
}
func (n *CacheTable) Children() []Node { return optionalNode(n.Child) }
func (n *CacheTable) WithChildren(cs []Node) Node {
	c := *n
	if c.Child != nil {
		c.Child = cs[0]
	}
	return &c
}

func optionalNode(n Node) []Node {
	if n == nil {
		return nil
	}
	return []Node{n}
}
