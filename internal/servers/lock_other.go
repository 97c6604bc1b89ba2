//go:build !unix

package servers

import (
	"context"
	"errors"
	"io"
)

func lock(context.Context, string, io.Writer) (unlock func(), err error) {
	return nil, errors.New("servers are made on Unix only")
}
