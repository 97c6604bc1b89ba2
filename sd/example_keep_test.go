package sd_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// board is a registry of the user's own: a notice board.
type board struct {
	mu      sync.Mutex
	notices map[string]string
}

// notice is the place of one instance on it.
type notice struct {
	board *board
	mine  sd.Instance
}

func (n *notice) Put(_ context.Context, in sd.Instance) error {
	n.board.mu.Lock()
	defer n.board.mu.Unlock()
	n.board.notices[in.ID], n.mine = in.Addr, in
	return nil
}

// Hold has nothing to renew: a notice stays.
func (n *notice) Hold(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Remove leaves the notice of a successor alone.
func (n *notice) Remove(context.Context) error {
	n.board.mu.Lock()
	defer n.board.mu.Unlock()
	if n.board.notices[n.mine.ID] == n.mine.Addr {
		delete(n.board.notices, n.mine.ID)
	}
	return nil
}

// Register implements [sd.Registrar].
func (b *board) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &notice{board: b})
}

func ExampleKeep() {
	ctx := context.Background()
	b := &board{notices: make(map[string]string)}
	registration, err := b.Register(ctx, sd.Instance{ID: "one", Addr: "127.0.0.1:8080"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.notices, registration.State().Registered)
	if err := registration.Deregister(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(b.notices)
	// Output:
	// map[one:127.0.0.1:8080] true
	// map[]
}

func ExamplePermanent() {
	err := sd.Permanent(errors.New("the token is not valid"))
	fmt.Println(err)
	// Output: the token is not valid
}

func ExampleNewNode() {
	node := sd.NewNode(&sd.Instance{ID: "one", Addr: "127.0.0.1:8080"})
	fmt.Println(node.Acquire(), node.InFlight())
	node.Release()
	fmt.Println(node.Retire(context.Background()), node.Acquire())
	// Output:
	// true 1
	// <nil> false
}
