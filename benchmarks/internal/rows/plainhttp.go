package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// PlainServer is [Greet] with net/http alone, by somebody careful.
func PlainServer() http.Handler { return http.HandlerFunc(plainGreet) }

func plainGreet(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header.Get("Content-Type")) {
		http.Error(w, "the body must be JSON", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the body cannot be read", status)
		return
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "the body is malformed", http.StatusBadRequest)
		return
	}
	m, err = Greet(r.Context(), m)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	data, err := json.Marshal(m)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the connection broke, and nobody is there to tell
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// PlainClient calls with net/http alone.
func PlainClient(url string) (endpoint.Endpoint[Message, Message], func(), error) {
	c := newHTTPClient()
	url += path
	return func(ctx context.Context, m Message) (Message, error) {
		return plainCall(ctx, c, url, m, false)
	}, c.CloseIdleConnections, nil
}

func newHTTPClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 50 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plainCall tells the server the deadline if it travels.
func plainCall(ctx context.Context, c *http.Client, url string, m Message, travels bool) (Message, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	data, err := json.Marshal(m)
	if err != nil {
		return Message{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return Message{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if travels {
		setTimeout(ctx, r.Header)
	}
	resp, err := c.Do(r)
	if err != nil {
		return Message{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return Message{}, err
	}
	if len(body) > maxBody {
		return Message{}, errors.New("the answer is too large")
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return Message{}, fmt.Errorf("the answer is %s", resp.Status)
	}
	var answer Message
	err = json.Unmarshal(body, &answer)
	return answer, err
}
