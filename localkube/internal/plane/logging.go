package plane

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/grpclog"
	"k8s.io/klog/v2"

	"tiphys.dev/localkube/internal/home"
)

// QuietLogs makes the components say warnings and errors only, on stderr. What they say in a start
// is kept back, and told only if the start fails: it is a list of what is not there yet. This
// replaces their own logging options, which may be applied only once in a process.
func QuietLogs() {
	klog.InitFlags(klogFlags)
	setKlog(map[string]string{
		"logtostderr": "false", "one_output": "true", "stderrthreshold": "FATAL",
		"legacy_stderr_threshold_behavior": "false",
	})
	klog.OsExit = exitUnlessStopping
	klog.SetOutputBySeverity("INFO", io.Discard)
	klog.SetOutputBySeverity("WARNING", components)
	klog.SetOutputBySeverity("ERROR", components)
	klog.SetOutputBySeverity("FATAL", io.Discard) // the threshold brings it to stderr
	// Its warnings are about each of some hundred connections to etcd, tried again a moment later.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, components))
}

var klogFlags = flag.NewFlagSet("klog", flag.PanicOnError)

func setKlog(options map[string]string) {
	for name, value := range options {
		if err := klogFlags.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// exitUnlessStopping is how a component ends the process. Some do so when they are stopped before
// they have started; then only that goroutine ends, and the others stop in order.
func exitUnlessStopping(code int) {
	if components.isQuiet() {
		runtime.Goexit()
	}
	os.Exit(code)
}

// components is where all of them write to.
var components = &patientWriter{keep: true}

// usualLines are errors that are none: a controller was faster than its own cache and looks again;
// an autoscaler finds no metrics, of which there are none here, and says so four times a minute.
var usualLines = [][]byte{
	[]byte("is not as new as written version"),
	[]byte("failed to compute desired number of replicas based on listed metrics"),
}

const keptBytes = 256 << 10

// patientWriter keeps lines back, or writes them to stderr, or neither.
type patientWriter struct {
	mutex       sync.Mutex
	keep, quiet bool
	kept        bytes.Buffer
}

func (w *patientWriter) Write(line []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	switch {
	case w.quiet || slices.ContainsFunc(usualLines, func(part []byte) bool { return bytes.Contains(line, part) }):
		return len(line), nil
	case w.keep:
		if w.kept.Len()+len(line) < keptBytes {
			w.kept.Write(line)
		}
		return len(line), nil
	}
	return os.Stderr.Write(line)
}

// started forgets what was kept: the start went well.
func (w *patientWriter) started() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.keep, w.kept = false, bytes.Buffer{}
}

// failed tells what was kept, unless the start was interrupted on purpose.
func (w *patientWriter) failed(err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if !errors.Is(err, context.Canceled) {
		_, _ = os.Stderr.Write(w.kept.Bytes())
	}
	w.keep, w.kept = false, bytes.Buffer{}
}

// hush is for the end: everybody then complains that the others are gone.
func (w *patientWriter) hush() {
	w.mutex.Lock()
	w.quiet = true
	w.mutex.Unlock()
	// What is fatal would still come, with stacks; past the highest threshold nothing does.
	setKlog(map[string]string{"stderrthreshold": "9"})
	klog.LogToStderr(true)
}

func (w *patientWriter) isQuiet() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.quiet
}

// etcdLogger writes etcd's warnings. etcd ends the process when it cannot write its log; that is
// caught here, because a full disk deserves one line and an exit code and not a stack trace.
func etcdLogger() *zap.Logger {
	encoder := zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(components), zapcore.WarnLevel)
	return zap.New(diskWatch{core})
}

// usual are warnings about what is so on purpose: nobody logs in to this etcd, and at the end its
// sockets are closed under it.
var usual = map[string]bool{
	"simple token is not cryptographically signed":           true,
	"setting up serving from embedded etcd failed.":          true,
	"failed to publish local member to cluster through raft": true,
}

type diskWatch struct{ zapcore.Core }

func (d diskWatch) With(fields []zapcore.Field) zapcore.Core { return diskWatch{d.Core.With(fields)} }

func (d diskWatch) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if d.Enabled(entry.Level) && !usual[entry.Message] {
		return checked.AddCore(entry, d)
	}
	return checked
}

func (d diskWatch) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	if entry.Level < zapcore.DPanicLevel {
		return d.Core.Write(entry, fields)
	}
	components.failed(nil) // the process is about to end
	if fatalForDisk(fields) {
		fmt.Fprintln(os.Stderr, "localkube: the disk is full; free some space and start again, nothing that was acknowledged is lost")
		os.Exit(home.ExitDisk)
	}
	return d.Core.Write(entry, fields)
}

func fatalForDisk(fields []zapcore.Field) bool {
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok && strings.Contains(err.Error(), "no space left on device") {
			return true
		}
	}
	return false
}
