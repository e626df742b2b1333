package mux

import "strings"

// Clean is path without doubled slashes, "." and ".." parts and without a
// slash at the end; the scheme and bucket stay as they are. "file:/a" becomes "file:///a".
func Clean(path string) string {
	root, rest := Split(path)
	var parts []string
	for p := range strings.SplitSeq(rest, "/") {
		switch p {
		case "", ".":
		case "..":
			if n := len(parts); n > 0 && parts[n-1] != ".." {
				parts = parts[:n-1]
			} else if root == "" {
				parts = append(parts, p)
			}
		default:
			parts = append(parts, p)
		}
	}
	out := root + strings.Join(parts, "/")
	switch {
	case out == "":
		return "."
	case len(parts) == 0 && root != "/" && root != "file:///":
		return strings.TrimSuffix(root, "/")
	}
	return out
}

// Split cuts path into its root, which no glob or ".." may leave ("/",
// "file:///", "s3://bucket/", "" for relative paths), and the rest.
func Split(path string) (root, rest string) {
	if Scheme(path) == "file" {
		if after, ok := strings.CutPrefix(path, "file:"); ok {
			return "file:///", strings.TrimLeft(strings.TrimPrefix(after, "//localhost/"), "/")
		}
		if strings.HasPrefix(path, "/") {
			return "/", strings.TrimLeft(path, "/")
		}
		return "", path
	}
	scheme, after, _ := strings.Cut(path, ":")
	bucket, rest, _ := strings.Cut(strings.TrimLeft(after, "/"), "/")
	return scheme + "://" + bucket + "/", rest
}

// Join appends a relative path to a folder.
func Join(folder, rel string) string {
	return strings.TrimSuffix(folder, "/") + "/" + strings.TrimPrefix(rel, "/")
}

// Base is the last part of a path.
func Base(path string) string {
	path = strings.TrimSuffix(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Hidden tells whether a table ignores a file of this path below folder: some
// part of it starts with "_" or "." ("_SUCCESS", "_temporary/…", ".x.crc"),
// but for the column=value folders of partition columns named so.
func Hidden(rel string) bool {
	for p := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(p, ".") || strings.HasPrefix(p, "_") && !strings.Contains(p, "=") {
			return true
		}
	}
	return false
}
