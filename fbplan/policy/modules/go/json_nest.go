package fbroute

func (r *jsonReader) list(depth int) []any {
	made := []any{}
	r.at++
	if r.takes(']') {
		return made
	}
	for r.fault == nil {
		made = append(made, r.value(depth+1))
		if r.takes(']') {
			return made
		}
		if !r.takes(',') {
			r.fail(torn())
		}
	}
	return nil
}

func (r *jsonReader) object(depth int) map[string]any {
	made, pairs := map[string]any{}, 0
	r.at++
	if r.takes('}') {
		return made
	}
	for r.fault == nil {
		if !r.takes('"') {
			r.fail(torn())
			break
		}
		key := r.string()
		if !r.takes(':') {
			r.fail(torn())
			break
		}
		made[key] = r.value(depth + 1)
		pairs++
		if r.takes('}') {
			if len(made) != pairs { // other languages might keep the other one
				r.fail(&Unusable{"shape", "a key stands twice in one object"})
			}
			return made
		}
		if !r.takes(',') {
			r.fail(torn())
		}
	}
	return nil
}
