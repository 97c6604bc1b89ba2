package sd

import (
	"errors"
	"runtime/debug"
)

// safely calls f, which is somebody else's code in a goroutine of ours: a panic is
// an error with its stack, and so is a runtime.Goexit. Neither may end the process
// or, in silence, what the goroutine is for.
func safely(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("sd: the goroutine was ended by runtime.Goexit")
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}
