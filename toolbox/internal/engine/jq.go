package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/itchyny/gojq"
)

type jqArguments struct {
	Program string          `json:"program"`
	Input   json.RawMessage `json:"input"`
}

type jqAnswer struct {
	Results []json.RawMessage `json:"results"`
}

// jq runs a program on one input and gives everything that it emits. The program sees no environment, no files and no
// modules, and ends at the deadline.
func jq(ctx context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[jqArguments](request)
	if err != nil {
		return nil, err
	}
	code, err := compiled(args.Program)
	if err != nil {
		return nil, fmt.Errorf("jq: %s: %w", args.Program, err)
	}
	input, err := exactly(args.Input)
	if err != nil {
		return nil, err
	}
	results, err := drained(code.RunWithContext(ctx, input))
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("jq: %s: did not end within its deadline", args.Program)
	}
	if err != nil {
		return nil, fmt.Errorf("jq: %s: %w", args.Program, err)
	}
	return jqAnswer{results}, nil
}

func drained(iterator gojq.Iter) ([]json.RawMessage, error) {
	results := []json.RawMessage{}
	for {
		value, more := iterator.Next()
		if !more {
			return results, nil
		}
		if err, failed := value.(error); failed {
			if halt, halted := errors.AsType[*gojq.HaltError](err); halted && halt.Value() == nil {
				return results, nil
			}
			return nil, err
		}
		text, err := gojq.Marshal(value)
		if err != nil {
			return nil, err
		}
		results = append(results, text)
	}
}

// exactly reads JSON for gojq with every number as it is written.
func exactly(text json.RawMessage) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return value, nil
}

// Programs are few and asked again and again, so their compiled form is kept; all are forgotten when they are many.
const programsKept = 512

var programs = struct {
	sync.Mutex
	compiled map[string]*gojq.Code
}{compiled: map[string]*gojq.Code{}}

func compiled(program string) (*gojq.Code, error) {
	programs.Lock()
	defer programs.Unlock()
	if code, known := programs.compiled[program]; known {
		return code, nil
	}
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return nil, err
	}
	if len(programs.compiled) == programsKept {
		clear(programs.compiled)
	}
	programs.compiled[program] = code
	return code, nil
}
