// Package serve knows how requests come in and answers go out: frames on pipes, one request at a time, a cap on
// memory. What an operation does is not its business.
package serve

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sizes of a frame's JSON in bytes, without the four bytes of its length.
const (
	MaxRequest = 64 << 20
	MaxAnswer  = 256 << 20
)

var errTooLarge = errors.New("the request is larger than 64 MiB")

// readFrame reads one frame. A frame over the cap is read past, so that the next one is found, and errTooLarge given.
func readFrame(in *bufio.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxRequest {
		if _, err := io.CopyN(io.Discard, in, int64(size)); err != nil {
			return nil, err
		}
		return nil, errTooLarge
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(in, frame); err != nil {
		return nil, err
	}
	return frame, nil
}

func writeFrame(out io.Writer, frame []byte) error {
	if len(frame) > MaxAnswer {
		return fmt.Errorf("a frame of %d bytes is over the cap of %d", len(frame), MaxAnswer)
	}
	var head [4]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(frame)))
	if _, err := out.Write(head[:]); err != nil {
		return err
	}
	_, err := out.Write(frame)
	return err
}
