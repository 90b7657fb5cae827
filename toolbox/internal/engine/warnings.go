package engine

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// The most lines that are kept of what the libraries say during one operation.
const warningsKept = 20

// warnings collects what the libraries log while an operation runs, so that the user hears of a value that Helm
// passes over. One operation runs at a time, so what is said is said of it.
type warnings struct {
	sync.Mutex
	lines []string
}

func collectWarnings() *warnings {
	w := &warnings{}
	plain := slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &plain)))
	log.SetOutput(w)
	log.SetFlags(0)
	return w
}

// Write takes one or more lines.
func (w *warnings) Write(text []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	for line := range bytes.Lines(text) {
		if len(w.lines) < warningsKept {
			w.lines = append(w.lines, strings.TrimPrefix(strings.TrimSpace(string(line)), "msg="))
		}
	}
	return len(text), nil
}

func (w *warnings) said() []string {
	w.Lock()
	defer w.Unlock()
	return append([]string{}, w.lines...)
}

func (w *warnings) stop() {
	log.SetOutput(os.Stderr)
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
}
