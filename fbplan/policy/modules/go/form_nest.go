package fbroute

import "fmt"

// part is an object that may be left out and then is empty: every key at its default.
func (p *part) part(key string) *part {
	if !p.has(key) {
		return p.below(key, map[string]any{})
	}
	return p.below(key, p.held[key])
}

func (p *part) below(key string, found any) *part {
	at := key
	if p.at != "" {
		at = p.at + "." + key
	}
	held, isObject := found.(map[string]any)
	if !isObject {
		p.wrong(key, "no object")
	}
	return &part{at: at, held: held, fault: p.fault}
}

// names is a map of names; `isRequired` tells whether it may be left out.
func (p *part) names(key string, isRequired bool) map[string]any {
	if !p.has(key) && !isRequired {
		return nil
	}
	found, isObject := p.held[key].(map[string]any)
	if !isObject {
		p.wrong(key, "no object")
	}
	for name := range found {
		if !nameForm.MatchString(name) {
			p.wrong(key, "not only names")
			return nil
		}
	}
	return found
}

// each calls with every object of a list that may be left out.
func (p *part) each(key string, call func(*part)) {
	if !p.has(key) {
		return
	}
	for index, found := range p.list(key) {
		call(p.below(fmt.Sprintf("%s[%d]", key, index), found))
	}
}

func (p *part) list(key string) []any {
	found, isList := p.held[key].([]any)
	if !isList {
		p.wrong(key, "no list")
	}
	return found
}

func (p *part) nameList(key string) []string {
	var names []string
	for _, found := range p.list(key) {
		name, isText := found.(string)
		if !isText || !nameForm.MatchString(name) {
			p.wrong(key, "not only names")
			return nil
		}
		names = append(names, name)
	}
	return names
}
