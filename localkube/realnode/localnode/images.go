package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// pause holds a pod's namespaces and buries its orphans, until it is told to end.
func pause([]string) error {
	ended := make(chan os.Signal, 1)
	orphans := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(orphans, syscall.SIGCHLD)
	for {
		select {
		case <-ended:
			return nil
		case <-orphans:
			for pid := 1; pid > 0; {
				pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			}
		}
	}
}

// answer is what an image without sources does: it says 200 to everything, and what it was started with.
func answer(args []string) error {
	if len(args) == 0 {
		return errors.New("answer: needs an address to listen on, such as :8080")
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	host, _ := os.Hostname()
	server := &http.Server{Addr: args[0], ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(
		func(out http.ResponseWriter, request *http.Request) {
			_, _ = io.WriteString(out, fmt.Sprintf("%s %s, answered by %s %q\n", request.Method, request.URL.Path, host, args[1:]))
		})}
	go func() {
		<-ended.Done()
		_ = server.Shutdown(context.Background())
	}()
	fmt.Println("listening on", args[0])
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
