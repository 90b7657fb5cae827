package plane

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// etcdEndpoint is a socket in the working directory: the path of a unix socket may have 108 bytes,
// and a state directory is easily deeper than that. The directory is private, so no TLS is needed.
const etcdEndpoint = "unix://etcd.sock"

// startEtcd starts the store in its folder, which becomes the working directory of this process.
func startEtcd(ctx context.Context, settings Settings) (*embed.Etcd, error) {
	folder := settings.Home.Path("etcd")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chdir(folder); err != nil {
		return nil, err
	}
	etcd, err := embed.StartEtcd(etcdConfig(folder, settings.UnsafeNoFsync))
	if err != nil {
		return nil, fmt.Errorf("start etcd in %s: %w", folder, err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, fmt.Errorf("start etcd in %s: %w", folder, err)
	case <-ctx.Done():
		etcd.Close()
		return nil, ctx.Err()
	}
}

func etcdConfig(folder string, unsafeNoFsync bool) *embed.Config {
	config := embed.NewConfig()
	config.Name, config.Dir = "localkube", folder
	config.ListenClientUrls = urls(etcdEndpoint)
	// A socket apart for health and metrics: on a shared one, etcd warns and each request costs more.
	config.ListenClientHttpUrls = urls("unix://health.sock")
	config.ListenPeerUrls = urls("unix://peer.sock")
	// Nobody is there to whom these are advertised; they must look like host and port all the same.
	config.AdvertiseClientUrls, config.AdvertisePeerUrls = urls("http://127.0.0.1:2379"), urls("http://127.0.0.1:2380")
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = unsafeNoFsync
	config.EnableGRPCGateway = false
	// Alone in its cluster it elects itself; it waits an election's ticks to find that out.
	config.TickMs, config.ElectionMs = 50, 250
	// Each log entry since the last snapshot is in memory; with the defaults that is 15,000 of them.
	config.SnapshotCount, config.SnapshotCatchUpEntries = 2000, 500
	// Left at zero, every request counts as slow and is logged.
	config.WarningUnaryRequestDuration, config.WarningApplyDuration = 2*time.Second, 2*time.Second
	config.Logger, config.ZapLoggerBuilder = "zap", embed.NewZapLoggerBuilder(etcdLogger())
	// The log is allocated ahead, two segments at a time; 64 MiB each suit a server's disk.
	wal.SegmentSizeBytes = 8 << 20
	return config
}

func urls(text string) []url.URL {
	parsed, err := url.Parse(text)
	if err != nil {
		panic(err) // the texts are constants
	}
	return []url.URL{*parsed}
}
