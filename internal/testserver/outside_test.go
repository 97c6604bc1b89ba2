package testserver_test

import (
	"fmt"
	"net/http"

	"github.com/dowelkit/dowel/internal/testserver"
)

func ExampleOutside() {
	t, end := testserver.Outside()
	defer end()
	server := testserver.NewEtcd(t)

	resp, err := http.Get("http://" + server.Addr() + "/health")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}
