// Package web is the page where people see what runs, on which workers, and
// stop it. It asks a cluster for everything it shows and keeps nothing; it knows
// neither sessions nor plans.
package web

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Cluster answers what the page asks. Implementations are safe for concurrent use.
type Cluster interface {
	Status(ctx context.Context) (*pb.ClusterStatusResponse, error)
	Jobs(ctx context.Context) ([]*pb.JobInfo, error)
	// Job gives one job, errs.NotFound if it is not known (any more).
	Job(ctx context.Context, id string) (*pb.JobInfo, error)
	Kill(ctx context.Context, id string) error
}

const (
	// askWithin bounds one question to the cluster: without a leader the page says so.
	askWithin = 3 * time.Second
	// policy lets the page load nothing but itself and its own style sheet.
	policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

//go:embed page.html page.css
var files embed.FS

type page struct {
	cluster Cluster
	html    *template.Template
	now     func() time.Time
}

// Handler serves the page at /, a job at /job/ID, and stopping a job by POST.
func Handler(c Cluster, now func() time.Time) (http.Handler, error) {
	p := &page{cluster: c, now: now}
	html, err := template.New("page.html").Funcs(template.FuncMap{
		"took": p.took, "done": done, "tasks": tasks, "lost": lost, "line": firstLine,
	}).ParseFS(files, "page.html")
	if err != nil {
		return nil, errs.E(errs.Internal, "web", err)
	}
	p.html = html
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /job/{id}", p.job)
	mux.HandleFunc("POST /job/{id}/kill", p.kill)
	mux.Handle("GET /page.css", http.FileServerFS(files))
	guard := http.NewCrossOriginProtection() // no other site's page may stop a job
	return guarded(guard.Handler(mux)), nil
}

func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

// view is what the template shows; one of Jobs and Job is set.
type view struct {
	Status *pb.ClusterStatusResponse
	Jobs   []*pb.JobInfo
	Job    *pb.JobInfo
	Err    string
}

func (p *page) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askWithin)
	defer cancel()
	var v view
	var err error
	if v.Status, err = p.cluster.Status(ctx); err == nil {
		v.Jobs, err = p.cluster.Jobs(ctx)
	}
	p.show(w, v, err)
}

func (p *page) job(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askWithin)
	defer cancel()
	var v view
	var err error
	v.Job, err = p.cluster.Job(ctx, r.PathValue("id"))
	p.show(w, v, err)
}

func (p *page) kill(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askWithin)
	defer cancel()
	if err := p.cluster.Kill(ctx, r.PathValue("id")); err != nil {
		p.show(w, view{}, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *page) show(w http.ResponseWriter, v view, err error) {
	code := http.StatusOK
	if err != nil {
		v.Err = err.Error()
		code = http.StatusServiceUnavailable
		if errs.Is(err, errs.NotFound) {
			code = http.StatusNotFound
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = p.html.Execute(w, v) // a reader that has gone needs no page
}

func (p *page) took(j *pb.JobInfo) string {
	end := p.now()
	if j.GetEndedMs() > 0 {
		end = time.UnixMilli(j.GetEndedMs())
	}
	return end.Sub(time.UnixMilli(j.GetStartedMs())).Round(10 * time.Millisecond).String()
}

func done(j *pb.JobInfo) (n int32) {
	for _, s := range j.GetStages() {
		n += s.GetDone()
	}
	return n
}

func tasks(j *pb.JobInfo) (n int32) {
	for _, s := range j.GetStages() {
		n += s.GetTasks()
	}
	return n
}

func lost(j *pb.JobInfo) (n int32) {
	for _, s := range j.GetStages() {
		n += s.GetLost()
	}
	return n
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
