package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"tiphys.dev/toolbox/internal/files"
)

// What a request may read in all, unless it says otherwise; Argo CD's default for a directory is the same.
const defaultMaxBytes = 10 << 20

type yamlArguments struct {
	Text     *string  `json:"text"`
	Name     string   `json:"name"`
	Files    []string `json:"files"`
	Root     string   `json:"root"`
	MaxBytes int64    `json:"maxBytes"`
}

type document struct {
	File   string          `json:"file"`
	Index  int             `json:"index"`
	Line   int             `json:"line"`
	Object json.RawMessage `json:"object"`
}

type yamlAnswer struct {
	Documents []document `json:"documents"`
}

// yamlDecode reads a text or files of many documents, YAML or JSON, as Kubernetes does. Documents that say nothing
// are left out.
func yamlDecode(_ context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[yamlArguments](request)
	if err != nil {
		return nil, err
	}
	if args.MaxBytes <= 0 {
		args.MaxBytes = defaultMaxBytes
	}
	if args.Text != nil {
		documents, err := decodeText(args.Name, []byte(*args.Text))
		return yamlAnswer{documents}, err
	}
	documents, err := decodeFiles(args)
	return yamlAnswer{documents}, err
}

func decodeFiles(args yamlArguments) ([]document, error) {
	tree, err := files.Open(args.Root)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	documents, left := []document{}, args.MaxBytes
	for _, path := range args.Files {
		data, err := tree.Read(path, args.MaxBytes)
		if err != nil {
			return nil, err
		}
		if left -= int64(len(data)); left < 0 {
			return nil, fmt.Errorf("the files have more than %d bytes together", args.MaxBytes)
		}
		name, err := tree.Name(path)
		if err != nil {
			return nil, err
		}
		found, err := decodeText(name, data)
		if err != nil {
			return nil, err
		}
		documents = append(documents, found...)
	}
	return documents, nil
}

// decodeText reads every document of a text that is named for people by a file.
func decodeText(file string, text []byte) ([]document, error) {
	if strings.EqualFold(filepath.Ext(file), ".json") {
		return decodeJSON(file, text)
	}
	parts, err := splitDocuments(file, text)
	if err != nil {
		return nil, err
	}
	documents := []document{}
	for index, part := range parts {
		object, err := part.decode()
		if err != nil {
			return nil, err
		}
		if !isNull(object) {
			documents = append(documents, document{file, index, part.line, object})
		}
	}
	return documents, nil
}

func decodeJSON(file string, text []byte) ([]document, error) {
	value, err := exactly(text)
	if err != nil || trailing(text) {
		return nil, jsonError(file, text, err)
	}
	if value == nil {
		return []document{}, nil
	}
	object, err := json.Marshal(kubernetesNumbers(value))
	if err == nil && depth(object) > deepestDocument {
		err = fmt.Errorf("%s: nests more than %d levels deep", file, deepestDocument)
	}
	return []document{{file, 0, 1, object}}, err
}

func trailing(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var first json.RawMessage
	return decoder.Decode(&first) == nil && decoder.More()
}
