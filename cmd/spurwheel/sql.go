package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

func newSQL(p process) *cobra.Command {
	var query, format string
	cmd := &cobra.Command{
		Use:   "sql [-e QUERY | FILE]",
		Short: "Run SQL: a query, a file, or a prompt",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, _, err := loadSettings(p.environ, cmd.Flags())
			if err != nil {
				return err
			}
			if settings.Data, err = os.MkdirTemp("", "spurwheel-sql-"); err != nil {
				return errs.E(errs.Exhausted, "sql", err)
			}
			defer func() { _ = os.RemoveAll(settings.Data) }()
			n, err := newNode(settings, obs.NewLogger(p.stderr, obs.ParseLevel(settings.Log.Level), obs.ParseFormat(settings.Log.Format)))
			if err != nil {
				return err
			}
			s, err := n.sessions.Open(cmd.Context(), session.Key{User: localUser(), ID: uuid.NewString()})
			if err != nil {
				return err
			}
			text, err := statementText(query, args, p)
			if err == nil {
				err = runScript(cmd.Context(), s, text, printer{w: p.stdout, format: format})
			}
			return firstError(err, n.Close())
		},
	}
	cmd.Flags().StringVarP(&query, "execute", "e", "", "run this query and exit")
	cmd.Flags().StringVar(&format, "format", "table", "how rows are printed: table, csv or json")
	serverFlags(cmd.Flags())
	return cmd
}

func localUser() string {
	if u := os.Getenv("USER"); u != "" {
		return u
	}
	return "local"
}

// maxScript bounds SQL read from a file or a pipe, as the parser does.
const maxScript = 16 << 20

func statementText(query string, args []string, p process) (string, error) {
	if query != "" {
		return query, nil
	}
	in := p.stdin
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return "", errs.E(errs.NotFound, "sql", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err == nil && len(b) > maxScript {
		err = fmt.Errorf("the script is larger than %d bytes", maxScript)
	}
	return string(b), errs.E(errs.Invalid, "sql", err)
}

// runScript runs statements one after the other and prints each one's rows.
func runScript(ctx context.Context, s *session.Session, text string, out printer) error {
	statements, err := sql.ParseStatements(text, s.ParseOptions())
	if err != nil {
		return err
	}
	for _, st := range statements {
		r, err := s.Execute(ctx, session.Request{OperationID: uuid.NewString(), Plan: st.Node})
		if err != nil {
			return err
		}
		err = out.print(ctx, r)
		if cerr := r.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printer writes results for people (table) or programs (csv, json).
type printer struct {
	w      io.Writer
	format string
}

func (p printer) print(ctx context.Context, r *session.Result) error {
	names := r.Schema().Names()
	if len(names) == 0 {
		return nil
	}
	fmt.Fprintln(p.w, strings.Join(names, "\t"))
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.N {
			parts := make([]string, len(b.Cols))
			for k, c := range b.Cols {
				parts[k] = fmt.Sprint(c.Get(i))
			}
			fmt.Fprintln(p.w, strings.Join(parts, "\t"))
		}
	}
}
