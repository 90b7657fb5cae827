package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"tiphys.dev/toolbox/internal/fault"
)

// Operation answers one request. It is given the whole request as JSON, takes its own arguments out of it, and
// returns something that encoding/json can write. The context ends at the request's deadline.
type Operation func(ctx context.Context, request json.RawMessage) (any, error)

// Table is the operations by name.
type Table map[string]Operation

type head struct {
	ID         int64  `json:"id"`
	Op         string `json:"op"`
	DeadlineMs int64  `json:"deadlineMs"`
}

type problem struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

type answer struct {
	ID    int64    `json:"id"`
	OK    any      `json:"ok,omitempty"`
	Error *problem `json:"error,omitempty"`
}

// Serve answers the requests of in, one at a time, until in ends. When in ends in the middle of an operation, Serve
// returns at once: whoever asked is gone.
func Serve(in io.Reader, out io.Writer, table Table, memory MemoryCap) error {
	requests, ended := arrivals(in)
	for {
		select {
		case request := <-requests:
			done := make(chan []byte, 1)
			go func() { done <- table.answer(request, memory) }()
			select {
			case frame := <-done:
				if err := writeFrame(out, frame); err != nil {
					return err
				}
			case err := <-ended:
				return unlessEOF(err)
			}
		case err := <-ended:
			return unlessEOF(err)
		}
	}
}

type arrival struct {
	frame []byte
	err   error
}

func arrivals(in io.Reader) (<-chan arrival, <-chan error) {
	requests, ended := make(chan arrival), make(chan error, 1)
	go func() {
		buffered := bufio.NewReaderSize(in, 64<<10)
		for {
			frame, err := readFrame(buffered)
			if err != nil && !errors.Is(err, errTooLarge) {
				ended <- err
				return
			}
			requests <- arrival{frame, err}
		}
	}()
	return requests, ended
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func (table Table) answer(request arrival, memory MemoryCap) []byte {
	if request.err != nil {
		return encoded(answer{Error: &problem{fault.Spec, request.err.Error()}})
	}
	var h head
	if err := json.Unmarshal(request.frame, &h); err != nil {
		return encoded(answer{Error: &problem{fault.Internal, "the request is not JSON: " + err.Error()}})
	}
	ok, err := table.perform(h, request.frame, memory)
	if err != nil {
		return encoded(answer{ID: h.ID, Error: &problem{fault.KindOf(err), shortened(err.Error())}})
	}
	return encoded(answer{ID: h.ID, OK: ok})
}

func (table Table) perform(h head, request json.RawMessage, memory MemoryCap) (ok any, err error) {
	operation, known := table[h.Op]
	if !known {
		return nil, fault.Internalf("there is no operation %q", h.Op)
	}
	defer func() {
		if cause := recover(); cause != nil {
			fmt.Fprintf(os.Stderr, "toolbox: %s panicked: %v\n%s", h.Op, cause, debug.Stack())
			ok, err = nil, fault.Internalf("%s failed inside the toolbox: %v", h.Op, cause)
		}
	}()
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if h.DeadlineMs > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(h.DeadlineMs)*time.Millisecond)
	}
	defer cancel()
	defer memory.watch(h.Op)()
	return operation(ctx, request)
}

// The most bytes of a message: a failed tpl quotes its whole template, and messages end in an object's status.
const longestMessage = 4 << 10

func shortened(message string) string {
	if len(message) <= longestMessage {
		return message
	}
	half := longestMessage / 2
	return strings.ToValidUTF8(message[:half]+"\n…\n"+message[len(message)-half:], "")
}

func encoded(a answer) []byte {
	var frame bytes.Buffer
	encoder := json.NewEncoder(&frame)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a); err != nil {
		return encoded(answer{ID: a.ID, Error: &problem{fault.Internal, "the answer is not JSON: " + err.Error()}})
	}
	if frame.Len() > MaxAnswer {
		message := fmt.Sprintf("the answer has %d MiB; the cap is %d MiB", frame.Len()>>20, MaxAnswer>>20)
		return encoded(answer{ID: a.ID, Error: &problem{fault.Spec, message}})
	}
	return frame.Bytes()
}
