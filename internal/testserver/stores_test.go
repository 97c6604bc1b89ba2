package testserver_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

var stores = map[string]func(*testing.T) store{
	"etcd": func(t *testing.T) store {
		s := testserver.NewEtcd(t)
		ask := func(what, body string) ([]byte, error) {
			return ask(http.MethodPost, "http://"+s.Addr()+"/v3/kv/"+what, body)
		}
		return store{
			Server: s,
			put: func() error {
				_, err := ask("put", `{"key":"YQ==","value":"Yg=="}`)
				return err
			},
			has: func() (bool, error) {
				answer, err := ask("range", `{"key":"YQ=="}`)
				return bytes.Contains(answer, []byte(`"value":"Yg=="`)), err
			},
		}
	},
	"consul": func(t *testing.T) store {
		s := testserver.NewConsul(t)
		ask := func(method, value string) ([]byte, error) {
			return ask(method, "http://"+s.Addr()+"/v1/kv/a", value)
		}
		return store{
			Server: s,
			put: func() error {
				answer, err := ask(http.MethodPut, "value")
				if err == nil && string(answer) != "true" {
					err = fmt.Errorf("the answer is %s", answer)
				}
				return err
			},
			has: func() (bool, error) {
				answer, err := ask(http.MethodGet, "")
				return bytes.Contains(answer, []byte(`"Key":"a"`)), err
			},
		}
	},
	"zookeeper": func(t *testing.T) store {
		s := testserver.NewZooKeeper(t)
		// The requests of a session of a second: create an empty /a that anyone may
		// use, and look whether there is one.
		const create, exists, noNode, nodeExists = 1, 3, -101, -110
		path := "\x00\x00\x00\x02/a"
		anyone := "\x00\x00\x00\x01" + "\x00\x00\x00\x1f" + "\x00\x00\x00\x05world" + "\x00\x00\x00\x06anyone"
		return store{
			Server: s,
			put: func() error {
				code, err := askZooKeeper(s.Addr(), create, path+"\x00\x00\x00\x00"+anyone+"\x00\x00\x00\x00")
				if err == nil && code != 0 && code != nodeExists {
					err = fmt.Errorf("code %d", code)
				}
				return err
			},
			has: func() (bool, error) {
				code, err := askZooKeeper(s.Addr(), exists, path+"\x00")
				if err == nil && code != 0 && code != noNode {
					err = fmt.Errorf("code %d", code)
				}
				return code == 0, err
			},
		}
	},
}

// askZooKeeper opens a session, sends one request and returns the code of the reply.
func askZooKeeper(addr string, op int32, body string) (code int32, err error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	frame := func(header []byte, body string) ([]byte, error) {
		header = append(header, body...)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(header))), header...)); err != nil {
			return nil, err
		}
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return nil, err
		}
		reply := make([]byte, binary.BigEndian.Uint32(size[:]))
		_, err := io.ReadFull(conn, reply)
		return reply, err
	}
	hello := make([]byte, 12, 44) // version 0, nothing seen yet
	hello = binary.BigEndian.AppendUint32(hello, 1000)
	hello = append(hello, make([]byte, 8)...) // a new session
	hello = binary.BigEndian.AppendUint32(hello, 16)
	if _, err := frame(append(hello, make([]byte, 16)...), ""); err != nil {
		return 0, err
	}
	request := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 1}, uint32(op))
	reply, err := frame(request, body)
	if err == nil && len(reply) < 16 {
		err = errors.New("short reply")
	}
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(reply[12:])), nil
}

var client = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func ask(method, url, body string) ([]byte, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(resp.Body)
	return answer.Bytes(), err
}
