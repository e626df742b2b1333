package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
)

// Limits of a listener that anybody on the machine may call.
const (
	webHeaderTime  = 10 * time.Second // a slow client does not hold a connection
	webIdleTime    = 2 * time.Minute
	webHeaderBytes = 64 << 10
	webGrace       = 5 * time.Second // for answers under way when the server stops
)

// health is what /healthz tells.
type health struct{ ready atomic.Bool }

func (h *health) set(ready bool) { h.ready.Store(ready) }

func (h *health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if !h.ready.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // a caller that has gone needs no answer
}

func webHandler(h *health, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", h)
	mux.Handle("GET /metrics", obs.MetricsHandler(registry))
	return mux
}

type webServer struct {
	listener net.Listener
	server   *http.Server
}

func listenWeb(ctx context.Context, address string, handler http.Handler) (*webServer, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "http", err)
	}
	return &webServer{
		listener: listener,
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: webHeaderTime,
			IdleTimeout:       webIdleTime,
			MaxHeaderBytes:    webHeaderBytes,
		},
	}, nil
}

func (w *webServer) address() string { return w.listener.Addr().String() }

// serve answers until ctx ends, then lets the answers under way finish. It returns after all are gone.
func (w *webServer) serve(ctx context.Context) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), webGrace)
		defer cancel()
		stopped <- errors.Join(w.server.Shutdown(grace), w.server.Close())
	})
	err := w.server.Serve(w.listener)
	if stop() { // it failed by itself: nobody shuts it down
		return errs.E(errs.Unavailable, "http", errors.Join(err, w.server.Close()))
	}
	return <-stopped
}
