package sparkconnect

import (
	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// arguments of a catalog call, by the client's parameter names. Absent ones are
// not there; values are string, bool, int, map[string]string and types.Schema. A
// storage level is its five parts.
type arguments map[string]any

func (a arguments) text(name string, v *string) arguments {
	if v != nil {
		a[name] = *v
	}
	return a
}

// catalogRelation translates an operation of spark.catalog.
func catalogRelation(c *pb.Catalog) (plan.Node, error) {
	op, args := catalogRead(c)
	if op == "" {
		op, args = catalogList(c)
	}
	if op == "" {
		op, args = catalogCache(c)
	}
	if op != "" {
		return &plan.CatalogCall{Op: op, Args: args}, nil
	}
	return catalogWrite(c)
}

func catalogRead(c *pb.Catalog) (string, arguments) {
	switch k := c.GetCatType().(type) {
	case *pb.Catalog_CurrentDatabase:
		return "currentDatabase", arguments{}
	case *pb.Catalog_SetCurrentDatabase:
		return "setCurrentDatabase", arguments{"dbName": k.SetCurrentDatabase.GetDbName()}
	case *pb.Catalog_GetDatabase:
		return "getDatabase", arguments{"dbName": k.GetDatabase.GetDbName()}
	case *pb.Catalog_GetTable:
		return "getTable", arguments{"tableName": k.GetTable.GetTableName()}.text("dbName", k.GetTable.DbName)
	case *pb.Catalog_GetFunction:
		return "getFunction", arguments{"functionName": k.GetFunction.GetFunctionName()}.text("dbName", k.GetFunction.DbName)
	case *pb.Catalog_DatabaseExists:
		return "databaseExists", arguments{"dbName": k.DatabaseExists.GetDbName()}
	case *pb.Catalog_TableExists:
		return "tableExists", arguments{"tableName": k.TableExists.GetTableName()}.text("dbName", k.TableExists.DbName)
	case *pb.Catalog_FunctionExists:
		return "functionExists", arguments{"functionName": k.FunctionExists.GetFunctionName()}.text("dbName", k.FunctionExists.DbName)
	case *pb.Catalog_CurrentCatalog:
		return "currentCatalog", arguments{}
	case *pb.Catalog_SetCurrentCatalog:
		return "setCurrentCatalog", arguments{"catalogName": k.SetCurrentCatalog.GetCatalogName()}
	case *pb.Catalog_GetTableProperties:
		return "getTableProperties", arguments{"tableName": k.GetTableProperties.GetTableName()}
	case *pb.Catalog_GetCreateTableString:
		return "getCreateTableString", arguments{"tableName": k.GetCreateTableString.GetTableName(), "asSerde": k.GetCreateTableString.GetAsSerde()}
	}
	return "", nil
}

func catalogList(c *pb.Catalog) (string, arguments) {
	switch k := c.GetCatType().(type) {
	case *pb.Catalog_ListDatabases:
		return "listDatabases", arguments{}.text("pattern", k.ListDatabases.Pattern)
	case *pb.Catalog_ListTables:
		return "listTables", arguments{}.text("dbName", k.ListTables.DbName).text("pattern", k.ListTables.Pattern)
	case *pb.Catalog_ListFunctions:
		return "listFunctions", arguments{}.text("dbName", k.ListFunctions.DbName).text("pattern", k.ListFunctions.Pattern)
	case *pb.Catalog_ListColumns:
		return "listColumns", arguments{"tableName": k.ListColumns.GetTableName()}.text("dbName", k.ListColumns.DbName)
	case *pb.Catalog_ListCatalogs:
		return "listCatalogs", arguments{}.text("pattern", k.ListCatalogs.Pattern)
	case *pb.Catalog_ListPartitions:
		return "listPartitions", arguments{"tableName": k.ListPartitions.GetTableName()}
	case *pb.Catalog_ListViews:
		return "listViews", arguments{}.text("dbName", k.ListViews.DbName).text("pattern", k.ListViews.Pattern)
	}
	return "", nil
}

func catalogCache(c *pb.Catalog) (string, arguments) {
	switch k := c.GetCatType().(type) {
	case *pb.Catalog_DropTempView:
		return "dropTempView", arguments{"viewName": k.DropTempView.GetViewName()}
	case *pb.Catalog_DropGlobalTempView:
		return "dropGlobalTempView", arguments{"viewName": k.DropGlobalTempView.GetViewName()}
	case *pb.Catalog_IsCached:
		return "isCached", arguments{"tableName": k.IsCached.GetTableName()}
	case *pb.Catalog_CacheTable:
		args := arguments{"tableName": k.CacheTable.GetTableName()}
		if l := k.CacheTable.GetStorageLevel(); l != nil {
			args["useDisk"], args["useMemory"], args["useOffHeap"] = l.GetUseDisk(), l.GetUseMemory(), l.GetUseOffHeap()
			args["deserialized"], args["replication"] = l.GetDeserialized(), int(l.GetReplication())
		}
		return "cacheTable", args
	case *pb.Catalog_UncacheTable:
		return "uncacheTable", arguments{"tableName": k.UncacheTable.GetTableName()}
	case *pb.Catalog_ClearCache:
		return "clearCache", arguments{}
	case *pb.Catalog_RefreshTable:
		return "refreshTable", arguments{"tableName": k.RefreshTable.GetTableName()}
	case *pb.Catalog_RefreshByPath:
		return "refreshByPath", arguments{"path": k.RefreshByPath.GetPath()}
	case *pb.Catalog_RecoverPartitions:
		return "recoverPartitions", arguments{"tableName": k.RecoverPartitions.GetTableName()}
	}
	return "", nil
}

// catalogWrite translates what changes tables and databases.
func catalogWrite(c *pb.Catalog) (plan.Node, error) {
	switch k := c.GetCatType().(type) {
	case *pb.Catalog_CreateExternalTable:
		e := k.CreateExternalTable
		args := arguments{"tableName": e.GetTableName(), "options": e.GetOptions()}.text("path", e.Path).text("source", e.Source)
		return createTable("createExternalTable", args, e.GetSchema())
	case *pb.Catalog_CreateTable:
		e := k.CreateTable
		args := arguments{"tableName": e.GetTableName(), "options": e.GetOptions()}
		args.text("path", e.Path).text("source", e.Source).text("description", e.Description)
		return createTable("createTable", args, e.GetSchema())
	case *pb.Catalog_DropTable:
		d := k.DropTable
		return &plan.CatalogCall{Op: "dropTable", Args: arguments{"tableName": d.GetTableName(), "ifExists": d.GetIfExists(), "purge": d.GetPurge()}}, nil
	case *pb.Catalog_DropView:
		d := k.DropView
		return &plan.CatalogCall{Op: "dropView", Args: arguments{"viewName": d.GetViewName(), "ifExists": d.GetIfExists()}}, nil
	case *pb.Catalog_CreateDatabase:
		d := k.CreateDatabase
		return &plan.CatalogCall{Op: "createDatabase", Args: arguments{
			"dbName": d.GetDbName(), "ifNotExists": d.GetIfNotExists(), "properties": d.GetProperties(),
		}}, nil
	case *pb.Catalog_DropDatabase:
		d := k.DropDatabase
		return &plan.CatalogCall{Op: "dropDatabase", Args: arguments{"dbName": d.GetDbName(), "ifExists": d.GetIfExists(), "cascade": d.GetCascade()}}, nil
	case *pb.Catalog_TruncateTable:
		return &plan.CatalogCall{Op: "truncateTable", Args: arguments{"tableName": k.TruncateTable.GetTableName()}}, nil
	case *pb.Catalog_AnalyzeTable:
		return &plan.CatalogCall{Op: "analyzeTable", Args: arguments{"tableName": k.AnalyzeTable.GetTableName(), "noScan": k.AnalyzeTable.GetNoScan()}}, nil
	}
	return nil, errs.Unsupported("catalog operation " + typeName(c.GetCatType()))
}

func createTable(op string, args arguments, schema *pb.DataType) (plan.Node, error) {
	if schema != nil {
		t, err := typeFrom(schema)
		if err != nil {
			return nil, err
		}
		args["schema"] = types.Schema{Fields: t.Fields}
	}
	return &plan.CatalogCall{Op: op, Args: args}, nil
}

func levelFrom(l *pb.StorageLevel) StorageLevel {
	return StorageLevel{
		Disk: l.GetUseDisk(), Memory: l.GetUseMemory(), OffHeap: l.GetUseOffHeap(),
		Deserialized: l.GetDeserialized(), Replication: int(l.GetReplication()),
	}
}

func levelTo(l StorageLevel) *pb.StorageLevel {
	return &pb.StorageLevel{
		UseDisk: l.Disk, UseMemory: l.Memory, UseOffHeap: l.OffHeap, Deserialized: l.Deserialized, Replication: int32(l.Replication),
	}
}
