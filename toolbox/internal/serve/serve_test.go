package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"tiphys.dev/toolbox/internal/fault"
)

var table = Table{
	"echo":  func(_ context.Context, request json.RawMessage) (any, error) { return request, nil },
	"panic": func(context.Context, json.RawMessage) (any, error) { panic("oh") },
	"spec":  func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("your file") },
	"ours":  func(context.Context, json.RawMessage) (any, error) { return nil, fault.Internalf("our disk") },
	"long": func(context.Context, json.RawMessage) (any, error) {
		return nil, errors.New(strings.Repeat("é", 9999))
	},
	"wait": func(ctx context.Context, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	},
	"huge": func(context.Context, json.RawMessage) (any, error) { return strings.Repeat("x", MaxAnswer), nil },
}

// peer is the other end of a served table.
type peer struct {
	t     *testing.T
	in    io.WriteCloser
	out   *bufio.Reader
	ended chan error
}

func served(t *testing.T) peer {
	requests, in := io.Pipe()
	out, answers := io.Pipe()
	p := peer{t, in, bufio.NewReader(out), make(chan error, 1)}
	go func() { p.ended <- Serve(requests, answers, table, 0) }()
	return p
}

func (p peer) ask(request string) answer {
	p.t.Helper()
	go func() { _ = writeFrame(p.in, []byte(request)) }()
	return p.answer()
}

func (p peer) answer() answer {
	p.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(p.out, head[:]); err != nil {
		p.t.Fatal(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(p.out, frame); err != nil {
		p.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(frame, &a); err != nil {
		p.t.Fatal(err)
	}
	return a
}

func TestEachRequestHasItsAnswer(t *testing.T) {
	p := served(t)
	for id := range int64(3) {
		if a := p.ask(`{"id":` + string(rune('0'+id)) + `,"op":"echo"}`); a.ID != id || a.Error != nil {
			t.Errorf("answer %+v to request %d", a, id)
		}
	}
}

func TestAnErrorSaysWhoIsToBlame(t *testing.T) {
	p := served(t)
	for request, wanted := range map[string]problem{
		`{"id":1,"op":"spec"}`:                  {fault.Spec, "your file"},
		`{"id":1,"op":"ours"}`:                  {fault.Internal, "our disk"},
		`{"id":1,"op":"panic"}`:                 {fault.Internal, "panic failed inside the toolbox: oh"},
		`{"id":1,"op":"nope"}`:                  {fault.Internal, `there is no operation "nope"`},
		`{"id":1,"op":"wait","deadlineMs":20}`:  {fault.Spec, "context deadline exceeded"},
		`{"id":1,"op":"huge"}`:                  {fault.Spec, "the answer has 256 MiB; the cap is 256 MiB"},
		`what`:                                  {fault.Internal, "the request is not JSON: invalid character 'w' looking for beginning of value"},
		`{"id":1,"op":"echo","deadlineMs":"x"}`: {fault.Internal, "the request is not JSON"},
	} {
		a := p.ask(request)
		if a.Error == nil || a.Error.Kind != wanted.Kind || !strings.HasPrefix(a.Error.Message, wanted.Message) {
			t.Errorf("%s: %+v, wanted %+v", request, a.Error, wanted)
		}
	}
	if a := p.ask(`{"id":7,"op":"echo"}`); a.ID != 7 || a.Error != nil {
		t.Errorf("after all that: %+v", a)
	}
}

func TestALongMessageIsShortened(t *testing.T) {
	if a := served(t).ask(`{"id":1,"op":"long"}`); len(a.Error.Message) > longestMessage+10 {
		t.Errorf("%d bytes", len(a.Error.Message))
	}
}

func TestARequestOverTheCapIsReadPast(t *testing.T) {
	p := served(t)
	go func() {
		var head [4]byte
		binary.BigEndian.PutUint32(head[:], MaxRequest+1)
		_, _ = p.in.Write(head[:])
		_, _ = io.CopyN(p.in, zeros{}, MaxRequest+1)
		_ = writeFrame(p.in, []byte(`{"id":2,"op":"echo"}`))
	}()
	if a := p.answer(); a.Error == nil || a.Error.Message != errTooLarge.Error() {
		t.Errorf("%+v", a)
	}
	if a := p.answer(); a.ID != 2 {
		t.Errorf("%+v", a)
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

func TestTheEndOfRequestsEndsServingEvenDuringAnOperation(t *testing.T) {
	p := served(t)
	if err := writeFrame(p.in, []byte(`{"id":1,"op":"wait"}`)); err != nil {
		t.Fatal(err)
	}
	_ = p.in.Close()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("still serving")
	}
}

func TestHalfARequestIsTheEndToo(t *testing.T) {
	if err := Serve(bytes.NewReader([]byte{0, 0, 0, 9, '{'}), io.Discard, table, 0); err != nil {
		t.Error(err)
	}
}

func TestMemoryInUseCountsWhatIsHeld(t *testing.T) {
	debug.FreeOSMemory()
	before := InUse()
	held := bytes.Repeat([]byte("x"), 64<<20)
	if grown := InUse() - before; grown < 60<<20 {
		t.Errorf("64 MiB more make %d bytes more", grown)
	}
	runtime.KeepAlive(held)
}
