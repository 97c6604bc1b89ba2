package zookeeper

import "strings"

// A tree is a persistent recursive watch on one path: the server tells who comes
// below it, who goes and what changes, by name, and goes on telling. The fields are
// guarded by the Dialer's lock.
type tree struct {
	path    string
	bells   map[*bell]struct{}
	told    int64 // the transaction up to which the bells were told all
	refused bool

	line   *line // on which it was asked for
	round  int   // how often it was
	stands bool  // the server has it, and nothing was missed
}

// A question is one that was sent in between those of the client.
type question struct {
	tree  *tree
	round int
	told  int64 // if the children changed after that, the bells missed it
	check bool  // whether they did, and not the watch itself
	last  bool  // of the round
	aside bool  // for others
}

// watch rings the bell for whatever happens below path. It returns once the server
// has been asked, so whatever happens after the answer to the next request is told.
// Without a line the request is made as soon as there is one.
func (d *Dialer) watch(path string, b *bell) {
	d.mu.Lock()
	t := d.trees[path]
	if t == nil {
		if d.trees == nil {
			d.trees = make(map[string]*tree)
		}
		t = &tree{path: path, bells: make(map[*bell]struct{})}
		d.trees[path] = t
	}
	t.bells[b] = struct{}{}
	l := d.line
	d.mu.Unlock()
	if l != nil {
		l.add(t)
	}
}

// add asks for a tree, if that was not done yet. Whoever learns that it was, and asks
// for something himself, comes after it.
func (l *line) add(t *tree) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.dialer.mu.Lock()
	var requests [][]byte
	if l.dialer.line == l && t.line == nil {
		requests = l.plant(t, false)
	}
	l.dialer.mu.Unlock()
	l.send(requests)
}

// leave silences the bell. The server goes on telling until the connection ends: to
// take the watch back would take what others have set on the path with it.
func (d *Dialer) leave(path string, b *bell) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.trees[path]; t != nil {
		delete(t.bells, b)
	}
}

// tells reports whether the bells of path ring for whatever a request that is made
// in that session from now on does not know yet.
func (d *Dialer) tells(path string, session int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.trees[path]
	return t != nil && t.line != nil && t.line == d.line && d.session == session && !t.refused && !d.ignored
}

// happened rings for an event.
func (d *Dialer) happened(kind int32, path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.trees[path]; t != nil && (kind == created || kind == deleted) {
		t.miss()
	}
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return
	}
	if t := d.trees[path[:slash]]; t != nil && (kind == created || kind == deleted || kind == dataChanged) {
		for b := range t.bells {
			b.tell(path[slash+1:], kind)
		}
	}
}

// miss is that the list has to be read again.
func (t *tree) miss() {
	for b := range t.bells {
		b.ring("")
	}
}

// answered takes the server's answer to a question of ours. changed is the
// transaction that changed the children of the path last.
func (d *Dialer) answered(l *line, q question, code int32, changed int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := q.tree
	if t.line != l || t.round != q.round || q.aside {
		return // it was asked again, or is nothing to us
	}
	switch {
	case q.check && (code != codeOK || changed > q.told):
		t.miss()
	case q.check || code == codeOK:
	case code == codeUnimplemented:
		d.ignored = true
		for _, t := range d.trees {
			t.miss()
		}
	default:
		t.refused = true
		t.miss()
	}
	t.stands = t.stands || q.last
}
