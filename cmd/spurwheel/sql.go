package main

import (
	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func newSQL() *cobra.Command {
	var query, format, remote string
	cmd := &cobra.Command{
		Use:   "sql [-e QUERY | FILE]",
		Short: "Run SQL: a query, a file, or a prompt",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(*cobra.Command, []string) error {
			return errs.Unsupported("the sql command")
		},
	}
	cmd.Flags().StringVarP(&query, "execute", "e", "", "run this query and exit")
	cmd.Flags().StringVar(&format, "format", "table", "how rows are printed: table, csv or json")
	cmd.Flags().StringVar(&remote, "remote", "", "server to use, sc://host:port (default: one inside this process)")
	return cmd
}
