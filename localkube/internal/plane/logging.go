package plane

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/grpclog"
	"k8s.io/klog/v2"

	"tiphys.dev/localkube/internal/home"
)

// QuietLogs makes the components say warnings and errors only, on stderr. It replaces their own
// logging options, which may be applied only once in a process.
func QuietLogs() {
	setKlog(map[string]string{
		"logtostderr":                      "true",
		"legacy_stderr_threshold_behavior": "false",
		"stderrthreshold":                  "WARNING",
	})

	// Its warnings are about each of some hundred connections to etcd, tried again a moment later.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr))
}

// hush is for the end: everybody then complains that the others are gone.
func hush() { setKlog(map[string]string{"stderrthreshold": "FATAL"}) }

func setKlog(options map[string]string) {
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	for name, value := range options {
		if err := flags.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// etcdLogger writes etcd's warnings. etcd ends the process when it cannot write its log; that is
// caught here, because a full disk deserves one line and an exit code and not a stack trace.
func etcdLogger() *zap.Logger {
	encoder := zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), zapcore.WarnLevel)
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
	if entry.Level >= zapcore.DPanicLevel && fatalForDisk(fields) {
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
